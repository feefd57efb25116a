//! Pain points held against a simulated company, of which the truth is known.
#![cfg(feature = "simulate")]

use patronage::interaction::{PainKind, Touchpoint};
use patronage::lifecycle::LifecycleStage;
use patronage::pain::{Contact, Experience, PainMap, PainReport, PointOptions, Rules, Worth};
use patronage::simulate::{Buyer, BuyingTruth, Company, Purchases, Truth, buyers, interactions};
use patronage::{Currency, Money, Period, Share};
use std::error::Error;

type Place = (Option<LifecycleStage>, Touchpoint, PainKind);

/// The report on so many simulated customers, and the truth about them.
fn review(company: &Company, customers: u32, seed: u64) -> Result<(PainReport, Truth), Box<dyn Error>> {
    let observed = Period::new("1996-10-01T00:00:00Z".parse()?, "1998-07-01T00:00:00Z".parse()?)?;
    let drawn = buyers(&BuyingTruth::cdnow(), customers, observed, seed)?;
    let facts: Vec<Buyer<'_>> = drawn.iter().map(|buyer| buyer.facts()).collect();
    let lives = interactions(&facts, company, Purchases::Simulated, seed)?;
    let mut map = PainMap::new(Rules::default(), observed.end(), Currency::USD);
    for (buyer, life) in drawn.iter().zip(&lives) {
        let life = life?;
        let stage = |at| life.lifecycle().stage_at(at);
        let contacts: Vec<_> =
            life.interactions().iter().map(|contact| Contact::new(contact, stage(contact.at()))).collect();
        let kept = buyer.purchases().iter().take(life.purchases());
        let day = |second: i64| i32::try_from(second.div_euclid(86_400));
        let purchases: Vec<i32> =
            kept.map(|purchase| day(purchase.at().timestamp())).collect::<Result<_, _>>()?;
        // Three more purchases of the usual size: any value does, as long as pain does not decide it.
        let value = Money::rounded(3.0 * buyer.truth().mean_amount, Currency::USD)?;
        let experience = Experience::new(&contacts, &purchases)?;
        map.push(&experience.worth(Worth::new(value, Share::new(0.4)?)))?;
    }
    Ok((map.points(&PointOptions::default())?, lives.truth().clone()))
}

#[test]
fn planted_points_come_first_in_the_planted_order() {
    let company = Company::default();
    let (report, truth) = review(&company, 20_000, 1).unwrap();
    let planted: Vec<Place> =
        company.planted().iter().map(|pain| (Some(pain.stage), pain.touchpoint, pain.kind)).collect();
    let found: Vec<Place> =
        report.points().iter().map(|point| (point.stage(), point.touchpoint(), point.kind())).collect();
    assert_eq!(found[..4], planted[..]);
    assert_eq!(report.evident().count(), 4, "and nothing else is evident");
    for (point, truth) in report.points().iter().zip(truth.planted()) {
        let effect = point.effect().found().unwrap();
        // Everyday mishaps come on top of what was planted, and a horizon of 90 days sees a part of the effect.
        let (exposed, met) = (effect.customers_exposed(), truth.met().customers);
        assert!(met <= exposed && exposed * 4 < met * 5, "{point}: {exposed} of {met}");
        let seen = effect.fewer_came_back().value() / truth.effect().unwrap();
        assert!((0.4..1.0).contains(&seen), "{point}: {seen}");
    }
}

#[test]
fn with_nothing_planted_few_data_sets_show_anything() {
    // Many mishaps without any effect, so that there is much to test.
    let company = Company::without_pain().with_background(Share::new(0.05).unwrap()).unwrap();
    let (mut wrong, mut tests) = (0, 0);
    for seed in 1..=200 {
        let (report, _) = review(&company, 1_200, seed).unwrap();
        wrong += usize::from(report.evident().next().is_some());
        tests += report.tests();
    }
    assert!(tests > 200 * 4, "{tests}");
    assert!(wrong <= 10, "{wrong} of 200");
}
