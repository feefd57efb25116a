use crate::value::sample::{self, customers as simulated};
use crate::value::*;

fn edge<M: std::fmt::Debug>(fit: Result<Fit<M>, FitError>) -> String {
    match fit {
        Err(FitError::Boundary { parameter, diagnostics }) => {
            assert!(diagnostics.iterations > 0 && diagnostics.starts > 1, "{diagnostics:?}");
            parameter.into_owned()
        }
        other => panic!("{other:?}"),
    }
}

/// The likelihood of leaving grows ever more slowly towards its edge; it used to end as not converged.
#[test]
fn says_which_parameter_runs_off_when_nobody_leaves() {
    // Rates that differ, and everybody bought half an interval ago.
    let loyal: Vec<Buyer> = (0..200_u32)
        .map(|row| {
            let (x, age) = (f64::from((row % 20) * (row % 7) / 3), 40.0 + f64::from(row % 13));
            Buyer::new((row % 20) * (row % 7) / 3, age * x / (x + 0.5), age).unwrap()
        })
        .collect();
    assert!(Nbd::fit(loyal.iter().copied()).is_ok());
    let found = edge(ParetoNbd::fit(loyal.iter().copied()));
    assert!(found == "s" || found == "beta", "{found}");
    let found = edge(BgNbd::fit(loyal.iter().copied()));
    assert!(found == "a" || found == "b", "{found}");
    let found = edge(MbgNbd::fit(loyal.iter().copied()));
    assert!(found == "a" || found == "b", "{found}");
}

/// Whatever few customers do, a fit knows how it ended.
#[test]
fn few_customers_end_at_a_maximum_or_at_an_edge() {
    let (mut maxima, mut edges) = (0, 0);
    for set in 0..32_u32 {
        let customers = [5, 10, 20, 40][set as usize % 4];
        let leave = [0.0, 0.02, 0.2, 2.0][set as usize / 4 % 4];
        let buyers = simulated(u64::from(set), customers, 0.2, f64::from(set / 16), leave);
        let endings = [
            Nbd::fit(buyers.iter().copied()).err(),
            BgNbd::fit(buyers.iter().copied()).err(),
            MbgNbd::fit(buyers.iter().copied()).err(),
            ParetoNbd::fit(buyers.iter().copied()).err(),
        ];
        for ending in endings {
            match ending {
                None => maxima += 1,
                Some(FitError::Boundary { .. }) => edges += 1,
                Some(FitError::NoRepeatPurchases { .. }) => {}
                Some(other) => panic!("{set}: {other:?}"),
            }
        }
    }
    assert!(maxima > 30 && edges > 30, "{maxima} {edges}");
}

#[test]
fn data_that_say_nothing_are_refused_by_every_model() {
    let nobody_came_back = [Buyer::new(0, 0.0, 38.86).unwrap(), Buyer::new(0, 0.0, 27.0).unwrap()];
    let one = [Buyer::new(3, 30.0, 39.0).unwrap()];
    let same = [one[0]; 9];
    let covariate = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0];
    for (buyers, error) in [
        (&nobody_came_back[..0], FitError::NoCustomers),
        (&nobody_came_back[..], FitError::NoRepeatPurchases { customers: 2 }),
        (&one[..], FitError::AllTheSame { customers: 1 }),
        (&same[..], FitError::AllTheSame { customers: 9 }),
    ] {
        let rows = || buyers.iter().copied();
        let timed = || rows().map(sample::timed);
        assert_eq!(Nbd::fit(rows()).unwrap_err(), error);
        assert_eq!(BgNbd::fit(rows()).unwrap_err(), error);
        assert_eq!(MbgNbd::fit(rows()).unwrap_err(), error);
        assert_eq!(ParetoNbd::fit(rows()).unwrap_err(), error);
        assert_eq!(BgCnbd::fit(timed()).unwrap_err(), error);
        assert_eq!(MbgCnbd::fit_with(2, rows()).unwrap_err(), error);
        if buyers.len() > 1 {
            let frequency: Vec<u32> = rows().map(Buyer::frequency).collect();
            let recency: Vec<f64> = rows().map(Buyer::recency).collect();
            let age: Vec<f64> = rows().map(Buyer::age).collect();
            let customers = CovariateBuyers::new(
                Buyers::new(&frequency, &recency, &age).unwrap(),
                Covariates::new(&[("x", &covariate[..buyers.len()])]).unwrap(),
                Covariates::NONE,
            );
            assert_eq!(WithCovariates::<BgNbd>::fit(&customers.unwrap()).unwrap_err(), error);
        }
    }
}

/// Whatever the unit of time is, from a part of a nanosecond to ages of the universe, the search takes the same way.
#[test]
fn the_unit_of_time_changes_alpha_and_beta_only() {
    let buyers = simulated(3, 300, 0.3, 0.9, 0.05);
    let purchases: f64 = buyers.iter().map(|buyer| f64::from(buyer.frequency())).sum();
    let plain = ParetoNbd::fit(buyers.iter().copied()).unwrap();
    for unit in [1e-18, 604_800.0, 1e20] {
        let scaled = buyers
            .iter()
            .map(|buyer| Buyer::new(buyer.frequency(), buyer.recency() * unit, buyer.age() * unit).unwrap());
        let fit = ParetoNbd::fit(scaled).unwrap();
        let (now, then) = (fit.model(), plain.model());
        for (now, then) in [
            (now.r(), then.r()),
            (now.alpha(), then.alpha() * unit),
            (now.s(), then.s()),
            (now.beta(), then.beta() * unit),
            (fit.log_likelihood() + purchases * libm::log(unit), plain.log_likelihood()),
            (fit.parameters()[3].standard_error, plain.parameters()[3].standard_error * unit),
        ] {
            assert!((now / then - 1.0).abs() < 1e-10, "{unit}: {now} {then}");
        }
        assert_eq!(fit.diagnostics().iterations, plain.diagnostics().iterations);
    }
}

#[test]
fn a_chosen_regularity_counts_as_a_parameter() {
    let buyers = simulated(5, 200, 0.3, 0.9, 0.05);
    let timed = buyers.iter().copied().map(sample::timed);
    let chosen = MbgCnbd::fit(timed).unwrap();
    let given = MbgCnbd::fit_with(chosen.model().k(), buyers.iter().copied()).unwrap();
    assert_eq!((chosen.degrees_of_freedom(), given.degrees_of_freedom()), (5, 4));
    assert!((chosen.aic() - (10.0 - 2.0 * chosen.log_likelihood())).abs() < 1e-9);
    assert!((given.bic() - (4.0 * 200_f64.ln() - 2.0 * given.log_likelihood())).abs() < 1e-9);
}

#[test]
fn a_score_is_as_sure_as_what_it_rests_on() {
    let buyers = simulated(7, 300, 0.3, 0.9, 0.05);
    let fit = ParetoNbd::fit(buyers.iter().copied()).unwrap();
    let alpha = fit.standard_error(ParetoNbd::alpha);
    assert!((alpha / fit.parameters()[1].standard_error - 1.0).abs() < 1e-9);
    let (r, beta) = (fit.model().r(), fit.model().beta());
    let product = fit.standard_error(|model| model.r() * model.beta());
    let cell = |row, column| fit.covariance(row, column).unwrap();
    let exact = (beta * beta * cell(0, 0) + 2.0 * r * beta * cell(0, 3) + r * r * cell(3, 3)).sqrt();
    assert!((product / exact - 1.0).abs() < 1e-8, "{product} {exact}");
}
