//! Runs every example and checks what it prints.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

#[cfg(all(feature = "blocking", feature = "simulate", feature = "sqlite"))]
#[path = "../examples/customer_review/main.rs"]
mod customer_review_example;
#[path = "../examples/which_model_fits.rs"]
mod model_example;
#[path = "../examples/which_customers_are_most_valuable.rs"]
mod most_valuable_example;
#[path = "../examples/bring_your_own_notifier.rs"]
mod own_notifier_example;
#[path = "../examples/bring_your_own_store.rs"]
mod own_store_example;
#[path = "../examples/will_they_come_back.rs"]
mod return_example;
#[cfg(feature = "simulate")]
#[path = "../examples/where_customers_struggle.rs"]
mod struggle_example;

#[path = "../examples/subscription_retention.rs"]
mod subscription_example;

use std::error::Error;
use std::io::Write;

fn printed(run: impl FnOnce(&mut dyn Write) -> Result<(), Box<dyn Error>>) -> String {
    let mut out = Vec::new();
    run(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

mod most_valuable {
    use super::most_valuable_example as example;

    /// The parameters are those of Fader, Hardie and Lee (2005).
    #[test]
    fn ranks_the_customers_of_cdnow() {
        let text = super::printed(example::run);
        for line in ["r      0.2426 (", "alpha  4.4136 (", "a      0.7929 (", "b      2.4259 ("] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert_eq!(text.lines().filter(|line| line.contains("days ago")).count(), 10, "{text}");
        assert!(text.contains("All 2357 customers are worth 21807.76 USD, 56.7 % of it"), "{text}");
        assert!(text.ends_with("Of what all spent until June 1998, these spent 50.2 %.\n"), "{text}");
    }
}

mod model_fits {
    use super::model_example as example;

    /// Likelihoods, totals and errors are those of `tests/judging.rs`; the means by frequency are those of the BTYD
    /// walkthrough of CDNOW, the purchases by week those of its data.
    #[test]
    fn says_which_to_use_and_why() {
        let text = super::printed(example::run);
        for line in [
            "NBD         never                        -9763.66           347.5            2929.8  1.041",
            "BG/NBD      after repeat purchase        -9582.43             0.6            1653.4  0.785",
            "MBG/NBD     after any purchase           -9582.14             0.0            1576.7  0.765",
            "Pareto/NBD  any time                     -9594.98            25.7            1665.5  0.755",
            "Use MBG/NBD, because\n  highest_holdout_score: -0.9821 against -0.9845\n",
            "As good as these data can tell: BG/NBD, Pareto/NBD\n",
            "          0        1411      0.19  0.24 [0.20, 0.28]  <- not as expected\n",
            "         7+         64      5.85  6.36 [5.14, 7.87]\n",
            "                         26   1746      1735\n",
            "                         78   4339      4055\n",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}

mod come_back {
    use super::return_example as example;

    #[test]
    fn tells_who_is_drifting_away() {
        let text = super::printed(example::run);
        assert!(text.starts_with("Of 2357 customers about 1052 still are.\n"), "{text}");
        // What was said of 2,357 customers came about, group by group.
        let groups: Vec<Vec<f64>> = text
            .lines()
            .skip(3)
            .map_while(|line| line.contains('%').then(|| line.replace('%', "")))
            .map(|line| line.split_whitespace().map(|cell| cell.parse().unwrap()).collect())
            .collect();
        assert_eq!(groups.len(), 6, "{text}");
        assert!((groups.iter().map(|group| group[1]).sum::<f64>() - 2357.0).abs() < 0.5, "{text}");
        assert!(groups.iter().all(|group| (group[0] - group[2]).abs() < 7.0), "{text}");
        // The first of the list bought every few weeks and has been silent for long.
        let first =
            "2332                 5    14 weeks    39.0 %              25.0 %   rather never  54.70 USD";
        assert!(text.contains(first), "{first} is not in\n{text}");
        assert_eq!(text.lines().filter(|line| line.ends_with(" USD")).count(), 10, "{text}");
    }
}

mod subscription {
    use super::subscription_example as example;

    /// The parameters of the simpler model are those of Fader and Hardie (2007), the others of an independent fit; what
    /// happened later is their table.
    #[test]
    fn projects_what_happened() {
        let text = super::printed(example::run);
        for line in [
            "regular   sBG  alpha 0.704 (0.066)  beta 1.182 (0.152) ",
            "regular   BdW  alpha 0.456 (0.167)  beta 0.779 (0.283)  c 1.283 (0.298)  AIC 3365.2",
            "high-end  sBG  alpha 0.668 (0.104)  beta 3.806 (0.786) ",
            "high-end  BdW  alpha 0.214 (0.060)  beta 1.427 (0.381)  c 1.724 (0.301)  AIC 3216.6",
            "regular   sBG fits better",
            "high-end  BdW fits better",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let last = text.lines().find(|line| line.starts_with("      12")).unwrap();
        let cells: Vec<&str> = last.split_whitespace().collect();
        assert_eq!((cells[1], cells[2], cells[7], cells[8]), ("17.3", "17.0", "39.4", "37.8"), "{text}");
        let errors: Vec<f64> = text
            .lines()
            .filter_map(|line| line.split_once("sBG ")?.1.strip_suffix(" points")?.split_once(", BdW "))
            .flat_map(|(simple, weibull)| [simple.parse().unwrap(), weibull.parse().unwrap()])
            .collect();
        assert!(errors.len() == 4 && errors.iter().all(|&error| error < 1.2), "{text}");
        assert!(text.contains("a new high-end customer is worth"), "{text}");
    }
}

#[cfg(feature = "simulate")]
mod struggle {
    use super::struggle_example as example;

    #[test]
    fn finds_what_was_planted() {
        let text = super::printed(example::run);
        let (found, planted) = text.split_once("planted:\n").unwrap();
        let place = |line: &str| line.trim().split(": ").next().unwrap_or_default().to_owned();
        let planted: Vec<String> = planted.lines().map(place).collect();
        assert_eq!(planted.len(), 4, "{text}");
        for point in found.lines().skip(1) {
            assert!(planted.contains(&place(point)), "{point} was not planted:\n{text}");
        }
        let first = found.lines().nth(1).unwrap();
        assert_eq!(place(first), planted[0], "the costliest comes first:\n{text}");
    }
}

mod own_notifier {
    use super::own_notifier_example as example;

    #[test]
    fn puts_a_message_into_the_letterbox() {
        let folder = tempfile::tempdir().unwrap();
        let text = super::printed(|out| example::run(folder.path(), out));
        assert!(text.starts_with("delivered 1, to be tried again 0\n"), "{text}");
        assert!(text.contains("to: ada@example.org\nabout: order_confirmed\n"), "{text}");
    }

    #[cfg(feature = "conformance")]
    #[test]
    fn keeps_the_contract() {
        use patronage::notify::conformance::{Failure, check_notifier};
        use std::fs;
        use std::sync::atomic::{AtomicU32, Ordering};

        let root = tempfile::tempdir().unwrap();
        let number = AtomicU32::new(0);
        pollster::block_on(check_notifier(
            || {
                let folder = root.path().join(number.fetch_add(1, Ordering::Relaxed).to_string());
                fs::create_dir(&folder).unwrap();
                async move { example::Letterbox::new(&folder) }
            },
            |letterbox| {
                let away = example::Letterbox::new(&letterbox.folder().with_extension("away"));
                let keys = letterbox.keys().or_else(|_| away.keys()).unwrap();
                keys.iter().map(|key| key.parse().unwrap()).collect()
            },
            |letterbox, failure| {
                let (folder, away) = (letterbox.folder(), letterbox.folder().with_extension("away"));
                // Begin from a folder that works, whatever the failure before was.
                let _ = fs::remove_file(folder);
                let _ = fs::rename(&away, folder);
                if let Some(failure) = failure {
                    fs::rename(folder, away).unwrap();
                    if failure == Failure::Passing {
                        fs::write(folder, "a file where the folder should be").unwrap();
                    }
                }
            },
        ));
    }
}

mod own_store {
    use super::own_store_example as example;

    #[test]
    fn reads_back_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let text = super::printed(|out| example::run(&folder.path().join("log"), out));
        let expected = "first commit: number 1, replayed: false, customers: 1\n\
                        second commit: number 1, replayed: true, customers: 1\n";
        assert_eq!(text, expected);
    }

    #[cfg(feature = "conformance")]
    #[test]
    fn keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let number = std::sync::atomic::AtomicU32::new(0);
        pollster::block_on(patronage::store::conformance::check_store(|| {
            let name = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
            let path = folder.path().join(name);
            async move { example::LogStore::open(&path).unwrap() }
        }));
    }
}

#[cfg(all(feature = "blocking", feature = "simulate", feature = "sqlite"))]
mod customer_review {
    use super::customer_review_example as example;

    use std::fs;
    use std::path::Path;

    fn review(arguments: &[&str], store: &Path) -> String {
        let store = store.to_str().unwrap();
        let arguments = arguments.iter().copied().chain(["--store", store]).map(str::to_owned);
        super::printed(|out| example::run(arguments, out))
    }

    /// Without the times, which differ from run to run.
    fn untimed(text: &str) -> String {
        let steps =
            text.lines().map(|line| if line.ends_with(" s") { &line[..line.len() - 9] } else { line });
        steps.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_main_job_is_done_once() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("review.sqlite");
        let first = review(&["--sample"], &store);
        assert!(
            first.contains("read 6,919 purchases and 0 interactions of 2,357 customers, 0 rows refused"),
            "{first}"
        );
        assert!(first.contains("kept 2,357 new customers and 6,919 new purchases"), "{first}");
        assert!(first.contains("reviewed 2,357 customers as of 1998-07-01"), "{first}");
        assert!(first.contains("frustrated, existing, phone_call_centre"), "{first}");
        assert!(!first.contains("nothing new"), "{first}");

        let second = review(&["--sample"], &store);
        assert!(second.contains("\nnothing new: "), "{second}");
        let found = |text: &str| {
            let (_, found) = untimed(text)
                .split_once("Who belongs together")
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .unwrap();
            found.split("What happens next").next().unwrap().to_owned()
        };
        assert_eq!(found(&first), found(&second), "the second run sees what the first saw");
    }

    #[test]
    fn a_bad_row_is_reported_and_the_rest_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let (purchases, interactions) = (folder.path().join("p.csv"), folder.path().join("i.csv"));
        fs::write(
            &purchases,
            "customer,at,amount\nada,2026-01-01,10.00\nada,soon,10.00\nbob,2026-01-02,ten\n\"cy\ndy\",2026-01-03,3.00\neve,2026-01-04,1.005\nada,2026-02-01,12.00\n",
        )
        .unwrap();
        fs::write(
            &interactions,
            "customer,at,touchpoint,outcome,wait_s\nada,2026-01-05T10:00:00Z,chat,resolved,30\nada,2026-01-06,fax,resolved,1\nada,2026-01-07,chat,unanswered,1\nada,2026-01-08,chat,resolved,-4\n",
        )
        .unwrap();
        let arguments = [
            "--purchases",
            purchases.to_str().unwrap(),
            "--interactions",
            interactions.to_str().unwrap(),
            "--currency",
            "EUR",
        ];
        let text = review(&arguments, &folder.path().join("own.sqlite"));
        for refused in [
            "p.csv, line 3, column `at`: must be a date or an instant of ISO 8601",
            "p.csv, line 4, column `amount`: money: must be a plain decimal number, got `ten`",
            "p.csv, line 7, column `amount`: money: must not have more decimals than the currency, got `1.005`",
            "i.csv, line 3, column `touchpoint`: touchpoint: must be a term of `Touchpoint`, got `fax`",
            "i.csv, line 4, column `outcome`: interaction.outcome: must carry an escalation or a reason when unanswered",
            "i.csv, line 5, column `wait_s`: must be seconds from 0 on, got `-4`",
        ] {
            assert!(text.contains(refused), "{refused} is not in\n{text}");
        }
        assert!(
            text.contains("read 3 purchases and 1 interactions of 2 customers, 6 rows refused"),
            "{text}"
        );
        assert!(text.contains("Who is worth most: not known, because"), "{text}");
    }
}
