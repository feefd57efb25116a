//! Runs every example and checks what it prints.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]
#![allow(clippy::duplicate_mod, reason = "examples share modules, and all are built into this one program")]

#[cfg(all(feature = "blocking", feature = "simulate", feature = "sqlite"))]
#[path = "../examples/customer_review/main.rs"]
mod customer_review_example;
#[cfg(feature = "simulate")]
#[path = "../examples/journey_review/main.rs"]
mod journey_example;
#[cfg(feature = "simulate")]
#[path = "../examples/loyalty_ladder.rs"]
mod ladder_example;
#[cfg(feature = "simulate")]
#[path = "../examples/who_is_leaving.rs"]
mod leaving_example;
#[cfg(feature = "simulate")]
#[path = "support/logs.rs"]
mod logs;
#[path = "../examples/which_model_fits.rs"]
mod model_example;
#[path = "../examples/which_customers_are_most_valuable.rs"]
mod most_valuable_example;
#[cfg(feature = "simulate")]
#[path = "../examples/next_best_step.rs"]
mod next_step_example;
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

#[cfg(feature = "simulate")]
mod journey_review {
    use super::journey_example as example;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    fn run(arguments: &[&str]) -> Result<String, String> {
        let mut out = Vec::new();
        let arguments = arguments.iter().copied().map(str::to_owned);
        example::run(arguments, &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn page(arguments: &[&str]) -> String {
        run(arguments).unwrap()
    }

    fn holds(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    /// The lines of a section after its head.
    fn section<'a>(text: &'a str, head: &str) -> Vec<&'a str> {
        assert!(text.contains(head), "no {head} in\n{text}");
        let after = text.split_once(head).unwrap().1;
        after.lines().skip(1).take_while(|line| !line.is_empty()).collect()
    }

    #[test]
    fn the_simulation_shows_what_was_planted() {
        let text = page(&[]);
        assert_eq!(text, page(&[]), "the same seed, the same page");
        let pain = section(&text, "Where it hurts");
        let place = |line: &str| line.trim().split("  ").next().unwrap().to_owned();
        let told = pain.iter().position(|line| line.contains("planted in the simulation")).unwrap();
        let found: Vec<String> = pain[1..told].iter().map(|line| place(line)).collect();
        let planted: Vec<String> = pain[told + 1..told + 5].iter().map(|line| place(line)).collect();
        assert_eq!(found, planted, "{text}");
        assert!(pain[1..told].iter().all(|line| line.contains(" USD to ")), "{text}");
        // Nothing was made better or worse.
        assert!(pain.last().unwrap().contains("0 worse, 0 better"), "{text}");

        // Credits are rounded to tenths, and there are ten touch points.
        let credit = section(&text, "Which touch points");
        let head = text.lines().find(|line| line.starts_with("Which touch points")).unwrap();
        let conversions = head.split("credit for ").nth(1).unwrap().split(' ').next().unwrap();
        let conversions: f64 = conversions.replace(',', "").parse().unwrap();
        for model in 1..=5 {
            let cells = credit[1..].iter().map(|line| line.split_whitespace().nth(model).unwrap());
            let sum: f64 = cells.map(|cell| cell.parse::<f64>().unwrap()).sum();
            assert!((sum - conversions).abs() <= 0.5, "{sum} {conversions}\n{text}");
        }
        let touch = section(&text, "Touch points against what is expected");
        assert!(touch.iter().any(|line| line.contains("satisfaction") && line.contains("too few")), "{text}");
        assert!(
            touch.iter().any(|line| line.contains("MISSED"))
                && touch.iter().any(|line| line.contains(" met "))
        );
        let funnel = section(&text, "How far they come");
        assert_eq!(funnel.iter().filter(|line| line.contains("points [")).count(), 3, "{text}");
        holds(
            &text,
            &[
                "matters old enough to know",
                "Where journeys stop short of a goal",
                "resolved at the first contact",
            ],
        );
    }

    /// The numbers are those of pm4py 2.7 and pandas on the same log.
    #[test]
    fn the_running_example_is_told_as_others_tell_it() {
        let Some(folder) = super::logs::folder() else { return };
        let told = |name: &str, more: &[&str]| {
            let path = folder.join(name);
            page(&[&["--events", path.to_str().unwrap(), "--rows", "16"], more].concat())
        };
        let funnel =
            ["--funnel", "register request > decide > pay compensation", "--goal", "pay compensation"];
        let text = told("running-example.csv", &funnel);
        holds(
            &text,
            &[
                "running-example.csv: 42 rows taken, 0 refused, 0 left out by --keep, 0 older",
                "42 events, 6 customers or cases, 6 journeys, 8 activities, from 2010-12-30 10:02 to 2011-01-24 13:56 UTC",
                "0 pairs of neighbouring events share their instant",
                // 815,940 and 966,890 seconds.
                "from the first event to the last: median 9.4 d, 9 in 10 17.0 d, mean 11.2 d (n = 6 journeys)",
                "the most frequent of 16 different steps (share of 36 steps",
                "6 different ones, of which 5 make 80 % of 6 journeys",
                "How many reach the goal (`pay compensation`): 50.0 % [18.8, 81.2] of 6 customers or cases",
            ],
        );
        let row = |head: &str, name: &str| {
            let section = section(&text, head);
            let found = section.iter().find(|line| line.trim().starts_with(name));
            let cells = found.unwrap_or_else(|| panic!("no {name} in\n{text}")).split("  ");
            cells.map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join("|")
        };
        // 129,300 and 181,960 seconds.
        let steps = "What follows what";
        assert_eq!(row(steps, "check ticket  "), "check ticket|decide|6|16.7 %|4|35.9 h|4.4 d|2.1 d");
        assert_eq!(row(steps, "decide  "), "decide|pay compensation|3|8.3 %|3|6.0 d|8.2 d|6.0 d");
        let again = "What had to be done again";
        assert_eq!(
            row(again, "check ticket"),
            "check ticket|2 journeys|33.3 % of 6|at once 0, after something else 3"
        );
        assert_eq!(
            row(again, "examine casually"),
            "examine casually|1 journeys|25.0 % of 4|at once 0, after something else 2"
        );
        let far = "How far they come";
        assert_eq!(
            row(far, "decide"),
            "decide|6|100.0 % [61.0, 100.0] of 6|100.0 % [61.0, 100.0] of 6|0|5.1 d|reject request 3"
        );
        assert!(
            row(far, "pay compensation").starts_with("pay compensation|3|50.0 % [18.8, 81.2] of 6|"),
            "{text}"
        );
        // The same log in the other format gives the same page.
        assert_eq!(
            told("running-example.xes", &funnel).lines().skip(1).collect::<Vec<_>>(),
            text.lines().skip(1).collect::<Vec<_>>()
        );
    }

    const OWN: &str = "\u{feff}client;what;begin;finish;place;ended\n\
        ann;ask;01.03.2026 10:00;01.03.2026 10:10;web;\n\
        ann;pay;01.03.2026 12:00;01.03.2026 12:01;store;sold\n\
        bob;ask;01.03.2026 09:00;;web;\n\
        bob;ask;soon;;web;\n\
        bob;;01.03.2026 09:05;;web;\n\
        bob;ask;01.03.2026 11:00;01.03.2026 10:00;web;\n\
        bob;ask\n\
        \"cy\ndy\";ask;02.03.2026 08:00;02.03.2026 08:30;phone;\n\
        cy;test;02.03.2026 08:00;;phone;\n";
    const MAPPED: &[&str] = &[
        "--case",
        "client",
        "--activity",
        "what",
        "--timestamp",
        "begin",
        "--end",
        "finish",
        "--channel",
        "place",
        "--outcome",
        "ended=sold",
        "--delimiter",
        ";",
        "--time-format",
        "%d.%m.%Y %H:%M",
        "--zone",
        "+02:00",
    ];

    fn written(path: &Path, text: &str) -> String {
        if path.extension().is_some_and(|end| end == "gz") {
            let mut packed = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
            packed.write_all(text.as_bytes()).unwrap();
            packed.finish().unwrap();
        } else {
            fs::write(path, text).unwrap();
        }
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn bad_rows_are_reported_with_line_and_reason_and_the_rest_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let file = written(&folder.path().join("own.csv"), OWN);
        let own = |more: &[&str]| run(&[&["--events", &file], MAPPED, more].concat());
        let text = own(&[]).unwrap();
        holds(
            &text,
            &[
                "own.csv, line 5, column `begin`: must be written as %d.%m.%Y %H:%M, got `soon`",
                "own.csv, line 6, column `what`: must not be empty",
                "own.csv, line 7, column `finish`: ends before it begins: `01.03.2026 10:00`",
                "own.csv, line 8, column `record`: has 2 fields where the head has 6",
                "own.csv: 5 rows taken, 4 refused, 0 left out by --keep, 0 older",
                "5 events, 4 customers or cases, 4 journeys, 3 activities, from 2026-03-01 07:00 to 2026-03-02 06:00 UTC",
                // One of four, by Wilson.
                "How many reach the goal (`ended` = `sold`): 25.0 % [4.6, 69.9] of 4 customers or cases",
                "n = 2        median   20.0 min",
                "more than one channel: 1 of 4",
                "credit for 1 conversions",
            ],
        );
        assert_eq!(text.matches("\nrefused: ").count() + 1, 4, "{text}");
        let strict = own(&["--strict"]).unwrap_err();
        assert!(strict.contains("own.csv, line 5, column `begin`: must be written as"), "{strict}");
        let kept = own(&["--keep", "place=phone"]).unwrap();
        holds(&kept, &["own.csv: 2 rows taken, 1 refused, 6 left out by --keep"]);

        // Packed it is the same.
        let packed = written(&folder.path().join("own.csv.gz"), OWN);
        let packed = page(&[&["--events", &packed], MAPPED].concat());
        assert_eq!(packed.replace("own.csv.gz", "own.csv"), text);

        for (arguments, why) in [
            (
                &["--channel", "nope"][..],
                "own.csv: there is no column `nope`, only `client`, `what`, `begin`",
            ),
            (&["--funnel", "ask > nope"], "there is no activity `nope`"),
            (&["--goal", "nope"], "there is no activity `nope`"),
            (&["--activities", "0"], "the limit on activities must lie between 1 and 65535, got 0"),
            (&["--as-of", "2026-03-01"], "`as_of` is"),
            (&["--session-gap", "7"], "`7` must be a whole number and s, m, h or d"),
            (&["--window", "-1d", "--funnel", "ask > pay"], "`window` must lie between 0 and"),
            (&["--time-format", "iso"], "`iso` is no time format"),
            (&["--zone", "here"], "`here` is no offset"),
            (&["--delimiter", ";;"], "the delimiter must be one ASCII character"),
            (&["--outcome", "ended"], "`ended` must be COLUMN=TEXT"),
            (&["--keep", "place=fax"], "no row could be taken"),
            (&["--what"], "--what is not known"),
        ] {
            let told = own(arguments).unwrap_err();
            if arguments[0] != "--zone" || !cfg!(feature = "chrono-tz") {
                assert!(told.contains(why), "{arguments:?}: {told}");
            }
        }
        assert!(run(&["--events", "nowhere.csv"]).unwrap_err().starts_with("nowhere.csv: "));
        assert!(run(&["--events", "log.xlsx"]).is_err());
    }

    #[test]
    fn times_are_read_as_files_write_them() {
        let folder = tempfile::tempdir().unwrap();
        let columns = ["--case", "who", "--activity", "what", "--timestamp", "at"];
        let span = |times: [&str; 2], more: &[&str]| {
            let [first, last] = times;
            let text = format!("who,what,at\n1,a,{first}\n1,b,{last}\n");
            let file = written(&folder.path().join("times.csv"), &text);
            let text = page(&[&["--events", &file, "--strict"], &columns[..], more].concat());
            let line = text.lines().nth(1).unwrap();
            line.split_once("from ").unwrap().1.trim_end_matches(" UTC").to_owned()
        };
        let day = "2026-03-01 00:00 to 2026-03-01 12:30";
        assert_eq!(span(["2026-03-01", "2026-03-01T12:30:00Z"], &[]), day);
        assert_eq!(span(["2026-03-01 00:00", "2026-03-01 12:30:00.25"], &[]), day);
        assert_eq!(span(["2026-03-01T01:00:00+01:00", "2026-03-01 07:30:00-05:00"], &[]), day);
        assert_eq!(span(["2026-03-01 02:00", "2026-03-01 14:30"], &["--zone", "+02:00"]), day);
        for (format, unit) in [("unix", ""), ("unix_ms", "000"), ("unix_us", "000000")] {
            let times = [format!("1772323200{unit}"), format!("1772368200{unit}")];
            assert_eq!(span([&times[0], &times[1]], &["--time-format", format]), day);
        }
        #[cfg(feature = "chrono-tz")]
        {
            let zurich = ["--zone", "Europe/Zurich"];
            assert_eq!(span(["2026-03-01 01:00", "2026-03-01 13:30"], &zurich), day);
            // The clock was put forward over this, and shows that twice.
            let file = written(
                &folder.path().join("gap.csv"),
                "who,what,at\n1,a,2026-03-29 02:30\n1,b,2026-10-25 02:30\n",
            );
            let text = page(&[&["--events", &file], &columns[..], &zurich].concat());
            holds(
                &text,
                &[
                    "line 2, column `at`: `2026-03-29 02:30:00` does not exist there",
                    "from 2026-10-25 00:30 to",
                ],
            );
        }
    }

    #[test]
    fn xes_is_read_with_lines_and_reasons() {
        let folder = tempfile::tempdir().unwrap();
        let log = "<?xml version='1.0'?>\n<log>\n<global scope='event'><string key='concept:name' value='no'/></global>\n\
            <trace><string key='concept:name' value='A'/><string key='place' value='web'/>\n\
            <event><string key='concept:name' value='ask &amp; wait'/><date key='time:timestamp' value='2026-03-01T10:00:00Z'/></event>\n\
            <event>\n<string key='concept:name' value='lost'/>\n</event>\n\
            <event><string key='concept:name' value='pay'/><date key='time:timestamp' value='2026-03-01T09:00:00Z'>\n\
            <string key='concept:name' value='inner'/></date></event></trace>\n\
            <trace><string key='concept:name' value='A'/><event/>\n\
            <event><string key='concept:name' value='pay'/><date key='time:timestamp' value='2026-03-02T09:00:00Z'/></event></trace>\n\
            </log>\n";
        for name in ["own.xes", "own.xes.gz"] {
            let file = written(&folder.path().join(name), log);
            let text = page(&["--events", &file]);
            holds(
                &text,
                &[
                    &format!("{name}, line 6, column `time:timestamp`: must not be empty"),
                    &format!("{name}, line 11, column `concept:name`: must not be empty"),
                    &format!("{name}: 3 rows taken, 2 refused, 0 left out by --keep, 1 older"),
                    "3 events, 2 customers or cases, 2 journeys, 2 activities",
                    "pay > ask & wait",
                ],
            );
            // By the names of traces it is one journey, at a place that only traces have.
            let named = page(&["--events", &file, "--case", "case:concept:name", "--channel", "case:place"]);
            holds(
                &named,
                &[
                    "3 events, 1 customers or cases",
                    "web                                                   2 events",
                ],
            );
            let strict = run(&["--events", &file, "--strict"]).unwrap_err();
            assert!(strict.contains("line 6, column"), "{strict}");
            let missing = run(&["--events", &file, "--channel", "nope"]).unwrap_err();
            assert!(missing.ends_with("no trace and no event has an attribute `nope`"), "{missing}");
        }
        let cut = written(&folder.path().join("cut.xes"), log.split_once("</trace>").unwrap().0);
        let refused = run(&["--events", &cut]).unwrap_err();
        assert!(refused.contains("cut.xes, line 10: "), "{refused}");
    }

    #[test]
    fn pictures_and_sessions() {
        let folder = tempfile::tempdir().unwrap();
        let file = written(&folder.path().join("own.csv"), OWN);
        let (dot, mermaid) = (folder.path().join("g.dot"), folder.path().join("g.mmd"));
        let pictures = ["--dot", dot.to_str().unwrap(), "--mermaid", mermaid.to_str().unwrap()];
        let text = page(&[&["--events", &file], MAPPED, &pictures, &["--session-gap", "1h"]].concat());
        // Two hours lie between the two events of ann.
        holds(&text, &["5 events, 4 customers or cases, 5 journeys", "pauses of at most 60.0 min"]);
        let text = page(&[&["--events", &file], MAPPED, &pictures].concat());
        holds(&text, &["g.dot: the 1 steps that make 80 % of all"]);
        holds(&fs::read_to_string(&dot).unwrap(), &["n0 -> n1 [label=\"1 (2.0 h)\"];"]);
        holds(&fs::read_to_string(&mermaid).unwrap(), &["n0 -->|\"1 (2.0 h)\"| n1"]);
    }
}

/// Real data lie in `insight` of the folder that `PATRONAGE_SHARED_DATA` names, or of `../shared/data`.
#[cfg(feature = "simulate")]
fn insight(name: &str) -> Option<String> {
    let root = std::env::var_os("PATRONAGE_SHARED_DATA").map_or_else(
        || std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")),
        std::path::PathBuf::from,
    );
    let path = root.join("insight").join(name);
    let found = path.is_file().then(|| path.to_str().unwrap().to_owned());
    if found.is_none() {
        #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
        {
            eprintln!("skipped: there is no {name}; name a folder in PATRONAGE_SHARED_DATA");
        }
    }
    found
}

#[cfg(feature = "simulate")]
mod leaving {
    use super::leaving_example as example;

    use std::fs;

    fn run(arguments: &[&str]) -> Result<String, String> {
        let mut out = Vec::new();
        let arguments = arguments.iter().copied().map(str::to_owned);
        example::run(arguments, &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn holds(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    /// The shares of the subscription are those that its table has; whom the simulation lost is known.
    #[test]
    fn the_simulation_tells_who_left() {
        let text = run(&[]).unwrap();
        assert_eq!(text, run(&[]).unwrap(), "the same seed, the same page");
        holds(
            &text,
            &[
                "74.3 % [71.5, 76.9]     59.3 % [56.2, 62.3]     39.4 % [36.4, 42.4]     7 [6, 8]",
                "46.8 % [43.7, 49.9]     32.6 % [29.7, 35.5]     17.3 % [15.0, 19.7]     2 [2, 2]",
                "high-end lost 606 where",
                "a simulated shop (seed 3), as of",
            ],
        );
        let knows = text.lines().find(|line| line.contains("the simulation knows: ")).unwrap();
        let counts: Vec<f64> =
            knows.replace(',', "").split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [slow, all_slow, steady, all_steady] = counts[..] else { panic!("{knows}") };
        assert!(slow / all_slow > 0.9 && slow / all_slow > steady / all_steady + 0.1, "{knows}");
        // Ten customers, the one with most at risk first.
        let (_, list) = text.split_once("         at risk\n").unwrap();
        let at_risk: Vec<f64> = list
            .lines()
            .take_while(|line| !line.is_empty())
            .map(|line| line.split_whitespace().rev().nth(1).unwrap().parse().unwrap())
            .collect();
        assert!(at_risk.len() == 10 && at_risk.is_sorted_by(|one, other| one >= other), "{text}");
    }

    /// Survival is that of lifelines and R on the same files (`tests/loyalty_reference.rs`); the share of silences that
    /// ended is that of pandas.
    #[test]
    fn real_contracts_and_purchases_are_told_as_others_tell_them() {
        let (Some(telco), Some(invoices)) = (
            super::insight("churn/telco_customer_churn.csv.gz"),
            super::insight("online_retail/invoices.csv.gz"),
        ) else {
            return;
        };
        let contracts = ["--contracts", &telco, "--ended", "Churn", "--group", "Contract"];
        let shop = ["--purchases", &invoices, "--customer", "customer_id", "--at", "ts"];
        let amount = ["--amount", "amount_thousandths", "--divide", "1000", "--currency", "GBP"];
        let text = run(&[&contracts[..], &shop, &amount].concat()).unwrap();
        holds(
            &text,
            &[
                "7043 rows taken, 0 refused",
                "all                  7,043   1,869  84.3 % [83.4, 85.2]     78.9 % ",
                "log-rank chi-square 2352.87 on 2 degrees of freedom, p < 0.0001",
                "26.5 % have left so far, but 40.7 % of those who come leave within 72 months",
                "invoices.csv.gz, as of 2011-12-10; gone is who was silent for 90 days",
                "  4,338 customers, ",
                "but 54.9 % [53.2, 56.6] of 3,245 silences",
                "n = 4,338\n",
            ],
        );
        let month_to_month = text.lines().find(|line| line.contains("Month-to-month   ")).unwrap();
        assert!(month_to_month.contains(" 35 ["), "{month_to_month}");
        let Some(waltons) = super::insight("survival/waltons_dataset.csv") else { return };
        let columns = ["--time", "T", "--ended", "E", "--group", "group", "--unit", "days"];
        let text = run(&[&["--contracts", &waltons][..], &columns].concat()).unwrap();
        holds(
            &text,
            &["log-rank chi-square 122.25 on 1 degrees", " 58 [", " 26 [", " 56 [", "after 75 days"],
        );
    }

    #[test]
    fn bad_rows_are_reported_and_bad_options_refused() {
        let folder = tempfile::tempdir().unwrap();
        let written = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let contracts = written(
            "c.csv",
            "tenure,ended,group\n3,yes,a\n4,no,b\nsoon,no,b\n5,maybe,a\n-1,yes,b\n2,yes,b\n6\n",
        );
        let text = run(&["--contracts", &contracts]).unwrap();
        for told in [
            "c.csv, line 4: `soon` is no whole number",
            "c.csv, line 5: `maybe` must be yes or no",
            "c.csv, line 6: row 0: `days` must not be negative, got -1",
            "c.csv, line 8: has 1 fields where the head has 3",
            "c.csv: 3 rows taken, 4 refused",
        ] {
            assert!(text.contains(told), "{told} is not in\n{text}");
        }
        let shop = written("p.csv", "customer,at,amount\nann,soon,1\nann,2026-01-01,much\n");
        for (arguments, why) in [
            (&["--purchases", &shop][..], "p.csv: no row could be taken"),
            (&["--purchases", "nowhere.csv"], "nowhere.csv: "),
            (&["--purchases", &shop, "--at", "when"], "there is no column `when`, only `customer`, `at`"),
            (&["--silence", "0"], "silence.days: must be from 1 to 1,000,000"),
            (&["--silence"], "--silence needs a value"),
            (&["--what", "1"], "--what is not known"),
        ] {
            let told = run(arguments).unwrap_err();
            assert!(told.contains(why), "{arguments:?}: {told}");
        }
        assert!(run(&["--help"]).unwrap().contains("--contracts FILE"));
    }
}

#[cfg(feature = "simulate")]
#[expect(clippy::indexing_slicing, clippy::panic, reason = "a test stops where it fails")]
mod ladder {
    use super::ladder_example as example;

    fn run(arguments: &[&str]) -> String {
        super::printed(|out| example::run(arguments.iter().copied().map(str::to_owned), out))
    }

    /// The numbers of a line that begins with these words.
    fn numbers(text: &str, begins: &str) -> Vec<u32> {
        let line = text.lines().find(|line| line.trim_start().starts_with(begins));
        let line = line.unwrap_or_else(|| panic!("no {begins} in\n{text}")).replace(',', "");
        line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    }

    /// The table of movements and how many moved up, down and not at all.
    fn checked(text: &str) -> [u32; 3] {
        let (_, table) = text.split_once("Where they stood (down) and stand (across)\n").unwrap();
        let rungs = ["dissatisfied", "neutral", "satisfied", "loyal", "advocate"];
        let (mut moved, mut columns) = ([0; 3], vec![0; 6]);
        for (from, rung) in rungs.into_iter().enumerate() {
            let row = numbers(table.split_once('\n').unwrap().1, rung);
            assert_eq!((row.len(), row[..5].iter().sum::<u32>()), (6, row[5]), "{text}");
            for (to, count) in row.iter().enumerate() {
                columns[to] += count;
                if to < 5 {
                    moved[match to.cmp(&from) {
                        std::cmp::Ordering::Greater => 0,
                        std::cmp::Ordering::Less => 1,
                        std::cmp::Ordering::Equal => 2,
                    }] += count;
                }
            }
        }
        assert_eq!(numbers(table, "now"), columns, "{text}");
        let told = table.lines().find(|line| line.contains(" moved up, ")).unwrap().replace(',', "");
        let told: Vec<u32> = told.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert_eq!(told, moved, "{text}");
        moved
    }

    #[test]
    fn the_simulation_stands_on_every_rung() {
        let text = run(&[]);
        assert_eq!(text, run(&[]), "the same seed, the same page");
        let [up, down, stayed] = checked(&text);
        assert!(up > 0 && down > 0 && up + down + stayed == 6_000, "{text}");
        let now = numbers(&text, "now");
        assert!(now.iter().all(|&count| count > 0), "{text}");
        for line in [
            "loyal        repeat_purchases 3 (to keep it 2), and tenure_days 365 (to keep it 365)",
            "referrals not known and recommendation not known",
            "put_right",
            "ask_for_feedback",
            "invite_to_buy_again",
            "ask_for_referral",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    /// 4,338 customers, as everybody counts them; nobody asked them for a recommendation, so that there are no advocates.
    #[test]
    fn real_customers_climb() {
        let Some(lines) = super::insight("online_retail/online_retail.csv.gz") else { return };
        let columns = ["--customer", "CustomerID", "--at", "InvoiceDate", "--amount", "UnitPrice"];
        let more = ["--quantity", "Quantity", "--currency", "GBP"];
        let text = run(&[&["--purchases", &lines][..], &columns, &more].concat());
        for line in [
            "541909 rows taken, 0 refused",
            "left out: 135080 rows without a customer, 40 without an amount",
            "online_retail.csv.gz: 4,338 customers, 3,370 of them since before 2011-09-11",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let [up, down, stayed] = checked(&text);
        assert_eq!(up + down + stayed, 3_370);
        let now = numbers(&text, "now");
        assert_eq!((now[4], now[5]), (0, 3_370));
        let unknown = format!("{0} of {0} (100.0 %)", text_of(now[3]));
        let loyal = text.lines().find(|line| line.contains("referrals not known")).unwrap();
        assert!(loyal.contains(&unknown), "{loyal}");
    }

    fn text_of(count: u32) -> String {
        format!("{},{:03}", count / 1_000, count % 1_000)
    }
}

#[cfg(feature = "simulate")]
#[expect(clippy::indexing_slicing, reason = "a test stops where it fails")]
mod next_step {
    use super::next_step_example as example;

    use std::fs;

    fn run(arguments: &[&str]) -> Result<String, String> {
        let mut out = Vec::new();
        let arguments = arguments.iter().copied().map(str::to_owned);
        example::run(arguments, &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn holds(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    /// What is said of one customer.
    fn about<'t>(text: &'t str, who: &str) -> &'t str {
        let (_, about) = text.split_once(who).unwrap();
        about.split("\n\n").next().unwrap()
    }

    /// The two numbers of a line of shares, in per cent.
    fn shares(text: &str, begins: &str) -> Vec<f64> {
        let line = text.lines().find(|line| line.trim_start().starts_with(begins)).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        words
            .windows(2)
            .filter(|pair| pair[1].starts_with('%'))
            .map(|pair| pair[0].parse().unwrap())
            .collect()
    }

    #[test]
    fn the_simulation_shows_what_was_planted_and_treats_customers_by_who_they_are() {
        let text = run(&[]).unwrap();
        assert_eq!(text, run(&[]).unwrap(), "the same seed, the same page");
        // The second item of each of six shelves goes with the first.
        holds(&text, &["  6 rules; ", " make 0 to 0 such rules; 6 were never seen as often there"]);
        for begins in ["of ten items to buy again", "of ten items new to the customer"] {
            let shares = shares(&text, begins);
            assert!(shares[0] > 2.0 * shares[1], "{begins}\n{text}");
        }
        // The same inquiry, from a high-value customer and from a prospect.
        let valued = about(&text, "one of the best customers, who asks for a quotation");
        let prospect = about(&text, "a prospect, who asks the same");
        assert!(valued.contains("do call_with_quotation by phone_call_centre: 50.0 % x "), "{text}");
        assert!(prospect.contains("do send_quotation by email: 30.0 % x "), "{text}");
        assert!(prospect.contains("not call_with_quotation: worth "), "{text}");
        assert!(
            prospect.contains("not newsletter: not by email (consent_missing), no instant known"),
            "{text}"
        );
        // Service before selling.
        let complaining = about(&text, "with an open complaint");
        assert!(complaining.contains("do call_and_put_right by phone_call_centre: "), "{text}");
        assert!(complaining.contains("because service_first, "), "{text}");
        assert!(
            complaining.contains("not suggest_a_new_item: a complaint is open: service comes first"),
            "{text}"
        );
        assert!(
            !about(&text, "another of the best, of whom nothing is heard").contains("complaint"),
            "{text}"
        );
    }

    /// The number of rules is the exact one, which was counted over the itemsets of another program too; the shares are near
    /// those of `tests/outreach_reference.rs`, where items are told apart by their codes and not by what they are called.
    #[test]
    fn real_baskets_and_purchases_are_told_as_others_count_them() {
        let (Some(baskets), Some(lines)) = (
            super::insight("groceries/groceries_baskets.csv"),
            super::insight("online_retail/online_retail.csv.gz"),
        ) else {
            return;
        };
        let rules = ["--baskets", &baskets, "--support", "0.001", "--confidence", "0.8", "--copies", "1"];
        let columns = ["--customer", "CustomerID", "--at", "InvoiceDate", "--order", "InvoiceNo"];
        let more =
            ["--item", "Description", "--amount", "UnitPrice", "--quantity", "Quantity", "--currency", "GBP"];
        let text = run(&[&rules[..], &["--purchases", &lines], &columns, &more].concat()).unwrap();
        holds(
            &text,
            &[
                "541909 rows taken, 0 refused",
                "left out: 135080 rows without a customer, 8945 sent back or without a price",
                "groceries_baskets.csv, 9,835 baskets;",
                "  410 rules; ",
                "rice and sugar -> whole milk: 12 of 12 baskets, lift 3.91",
                "of ten items to buy again 31.3 % were bought, of the ten most popular 9.2 %; n = 1,834",
                "of ten items new to the customer 7.9 % were bought, of the ten most popular new ones 4.1 %; n = 1,755",
                "of 4,338 customers)",
                "(17450): worth 45512.56 GBP",
                "do call_with_quotation by phone_call_centre: 50.0 % x 9102.51 GBP",
                "do win_back_voucher by email: 5.0 % x ",
            ],
        );
    }

    #[test]
    fn bad_rows_are_reported_and_bad_options_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        let head = "customer,at,order,item,amount,quantity\n";
        fs::write(&path, format!("{head}ann,soon,1,tea,1,1\nann,2026-01-01,1,tea,much,1\n")).unwrap();
        let path = path.to_str().unwrap();
        for (arguments, why) in [
            (&["--purchases", path][..], "p.csv: no row could be taken"),
            (&["--purchases", path, "--item", "what"], "there is no column `what`, only `customer`, `at`"),
            (&["--baskets", "nowhere.csv"], "nowhere.csv: "),
            (&["--support", "2"], "fraction: must be a part of a whole above 0"),
            (&["--half-life", "0"], "the half-life must be a positive number of days, got 0"),
            (&["--copies", "-1"], "--copies must be a whole number"),
        ] {
            let told = run(arguments).unwrap_err();
            assert!(told.contains(why), "{arguments:?}: {told}");
        }
        assert!(run(&["--help"]).unwrap().contains("--order COLUMN"));
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
