//! Funnels and attribution on real logs, against numbers made by other programs.
//!
//! Funnels: a scan of the logs in another language; the web shop's 3611, 1924, 653 are also those of the user guide of
//! `retentioneering` 3. Attribution: `ChannelAttribution` 2.2.5 and `marketing_attribution_models` 2.1.1 agree on the rules,
//! an absorbing chain in `NumPy` and `do-attribution` 0.0.2 on the Markov model.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed step must fail the test")]

#[path = "support/logs.rs"]
mod logs;

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use patronage::journey::{
    AttributionModel, ConversionPaths, Funnel, FunnelColumns, FunnelOrder, FunnelStep, NullPaths, OfferTally,
    PathOutcome, Removal, SellingPoint,
};
use std::collections::BTreeMap;

fn funnel(steps: impl IntoIterator<Item = u16>, window: Option<TimeDelta>) -> Funnel {
    let builder = Funnel::builder(FunnelOrder::Ordered, steps.into_iter().map(FunnelStep::new));
    match window {
        Some(window) => builder.within(window),
        None => builder,
    }
    .build()
    .unwrap()
}

/// Customers, times and activities of a log, sorted by customer and time; equal instants stay in the order of the file.
fn columns(mut rows: Vec<(u32, i64, u16)>) -> (Vec<u32>, Vec<i64>, Vec<u16>) {
    rows.sort_by_key(|row| (row.0, row.1));
    let customer = rows.iter().map(|row| row.0).collect();
    (customer, rows.iter().map(|row| row.1).collect(), rows.iter().map(|row| row.2).collect())
}

#[test]
fn web_shop() {
    let Some(file) = logs::open("simple_onlineshop.csv.gz") else { return };
    let steps = ["catalog", "cart", "delivery_choice", "payment_choice", "payment_done"];
    let mut users = BTreeMap::new();
    let mut rows = Vec::new();
    for record in csv::Reader::from_reader(file).deserialize() {
        let (user, event, time): (u64, String, String) = record.unwrap();
        let next = u32::try_from(users.len()).unwrap();
        let user = *users.entry(user).or_insert(next);
        let time = NaiveDateTime::parse_from_str(&time, "%Y-%m-%d %H:%M:%S%.f").unwrap().and_utc();
        let code = steps.iter().position(|step| *step == event).unwrap_or(99);
        rows.push((user, time.timestamp_micros(), u16::try_from(code).unwrap()));
    }
    assert_eq!((rows.len(), users.len()), (32_283, 3_751));
    let (customer, time, activity) = columns(rows);
    let events = FunnelColumns::new(&customer, &time, &activity).unwrap();
    let as_of: DateTime<chrono::Utc> = "2030-01-01T00:00:00Z".parse().unwrap();
    for window in [None, Some(TimeDelta::minutes(10)), Some(TimeDelta::days(30))] {
        let report = funnel(0..5, window).count(events, as_of).unwrap();
        assert_eq!(report.reached(), [3_611, 1_924, 1_356, 958, 653]);
        assert_eq!((report.customers(), report.ties()), (3_751, 0));
        let shares: Vec<_> =
            report.steps().iter().map(|step| (step.mature(), step.mature_reached())).collect();
        assert_eq!(shares, report.reached().iter().map(|&reached| (3_611, reached)).collect::<Vec<_>>());
    }
}

#[test]
fn loan_journey() {
    let Some(log) = logs::xes("bpic2012.xes.gz") else { return };
    let steps = [
        "A_SUBMITTED",
        "A_PARTLYSUBMITTED",
        "A_PREACCEPTED",
        "A_ACCEPTED",
        "A_FINALIZED",
        "O_SENT_BACK",
        "A_APPROVED",
    ];
    assert_eq!(log.len(), 262_200);
    let code = |name: &str| u16::try_from(steps.iter().position(|step| *step == name).unwrap_or(99)).unwrap();
    let rows = log.iter().map(|event| (event.case, event.time, code(&event.name))).collect();
    let (customer, time, activity) = columns(rows);
    let events = FunnelColumns::new(&customer, &time, &activity).unwrap();
    let as_of: DateTime<chrono::Utc> = "2030-01-01T00:00:00Z".parse().unwrap();
    let report = funnel(0..7, None).count(events, as_of).unwrap();
    assert_eq!((report.immature(), report.immature_converted()), (0, 0));
    assert_eq!(report.reached(), [13_087, 13_087, 7_367, 5_113, 5_015, 3_254, 2_246]);
    assert_eq!(report.ties(), 13_995);
}

const CHANNELS: [&str; 12] =
    ["alpha", "beta", "delta", "epsilon", "eta", "gamma", "iota", "kappa", "lambda", "mi", "theta", "zeta"];

fn path_data() -> Option<ConversionPaths> {
    let file = logs::open("channelattribution_pathdata.csv")?;
    let mut paths = ConversionPaths::new();
    for record in csv::ReaderBuilder::new().delimiter(b';').from_reader(file).deserialize() {
        let (path, conversions, value, nulls): (String, u64, f64, u64) = record.unwrap();
        let code = |name: &str| {
            u16::try_from(CHANNELS.iter().position(|channel| *channel == name).unwrap()).unwrap()
        };
        let touches: Vec<u16> = path.split(" > ").map(|name| code(name.trim())).collect();
        paths.push(&touches, PathOutcome { conversions, value, nulls }).unwrap();
    }
    assert_eq!((paths.len(), paths.conversions(), paths.nulls()), (10_000, 19_785, 68_602));
    Some(paths)
}

fn close(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs(), "{found} is not {expected}");
}

#[test]
fn rules_of_credit() {
    let Some(paths) = path_data() else { return };
    let credits = |model| -> Vec<f64> {
        let attribution = paths.attribute(model).unwrap();
        close(attribution.value(), 74_802.971_587_210_84, 1e-15);
        attribution.credits().iter().map(|credit| credit.conversions).collect()
    };
    let first = [6308.0, 2831.0, 1.0, 99.0, 3164.0, 165.0, 4606.0, 74.0, 902.0, 2.0, 1606.0, 27.0];
    assert_eq!(credits(AttributionModel::First), first);
    let last = [8447.0, 989.0, 5.0, 531.0, 4167.0, 92.0, 3355.0, 230.0, 1207.0, 2.0, 653.0, 107.0];
    assert_eq!(credits(AttributionModel::Last), last);
    let linear = [
        7_574.718_593_751_2,
        2_083.500_144_589_1,
        1.725,
        272.170_437_720_5,
        3_539.951_157_100_6,
        121.041_639_020_3,
        3_857.096_221_017_8,
        137.964_077_922_3,
        1_035.257_572_285_5,
        2.222_222_222_2,
        1_022.801_393_904_2,
        136.551_540_466_4,
    ];
    for (found, expected) in credits(AttributionModel::Linear).into_iter().zip(linear) {
        close(found, expected, 5e-11);
    }
}

#[test]
fn markov_removal_effects() {
    let Some(paths) = path_data() else { return };
    let model =
        |order| AttributionModel::Markov { order, removal: Removal::ToNull, nulls: NullPaths::Counted };
    // Removal effects are printed to nine decimals there, credits to four.
    let effects = [
        0.558_399_490,
        0.264_038_536,
        0.000_481_996,
        0.062_638_582,
        0.349_026_332,
        0.017_879_974,
        0.405_835_004,
        0.028_663_387,
        0.134_022_123,
        0.000_179_946,
        0.206_010_463,
        0.039_810_518,
    ];
    let credits = [
        5344.9477, 2527.3522, 4.6136, 599.5707, 3340.8474, 171.1454, 3884.6147, 274.3633, 1282.8472, 1.7224,
        1971.9129, 381.0626,
    ];
    let first = paths.attribute(model(1)).unwrap();
    for (found, expected) in first.removal_effects().iter().zip(effects) {
        assert!((found - expected).abs() <= 0.500_001e-9, "{found} is not {expected}");
    }
    for (found, expected) in first.credits().iter().zip(credits) {
        assert!((found.conversions - expected).abs() <= 0.500_001e-4, "{found:?} is not {expected}");
    }
    for order in 1..=4 {
        let attribution = paths.attribute(model(order)).unwrap();
        let sum: f64 = attribution.credits().iter().map(|credit| credit.conversions).sum();
        assert_eq!(sum.to_bits(), 19_785_f64.to_bits(), "order {order}");
    }
}

/// P(conversion) from each state of the chain that remembers so many touches, by elimination with pivots; whoever comes
/// to the removed channel is lost.
fn converting(paths: &ConversionPaths, order: usize, removed: Option<u16>) -> f64 {
    let mut states: BTreeMap<&[u16], usize> = BTreeMap::from([(&[][..], 0)]);
    // From each state: to other states, and how many leave, converted or not.
    let mut moves: Vec<(BTreeMap<usize, f64>, f64, f64)> = vec![Default::default()];
    #[expect(clippy::cast_precision_loss, reason = "counts of customers are small")]
    for path in paths.iter() {
        let (conversions, nulls) = (path.outcome.conversions as f64, path.outcome.nulls as f64);
        let mut state = 0;
        for end in 1..=path.touches.len() {
            let memory = &path.touches[end.saturating_sub(order)..end];
            let next = *states.entry(memory).or_insert(moves.len());
            if next == moves.len() {
                moves.push(Default::default());
            }
            *moves[state].0.entry(next).or_insert(0.0) += conversions + nulls;
            state = next;
        }
        moves[state].1 += conversions;
        moves[state].2 += nulls;
    }
    let lost: Vec<bool> = {
        let mut lost = vec![false; moves.len()];
        for (memory, &state) in &states {
            lost[state] = removed.is_some() && memory.last().copied() == removed;
        }
        lost
    };
    let n = moves.len();
    let mut rows = vec![vec![0.0_f64; n + 1]; n];
    for (state, (next, conversions, nulls)) in moves.iter().enumerate() {
        let all: f64 = next.values().sum::<f64>() + conversions + nulls;
        rows[state][state] = 1.0;
        if lost[state] || all == 0.0 {
            continue;
        }
        for (&to, weight) in next {
            rows[state][to] -= weight / all;
        }
        rows[state][n] = conversions / all;
    }
    for column in 0..n {
        let pivot =
            (column..n).max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs())).unwrap();
        rows.swap(column, pivot);
        let (above, below) = rows.split_at_mut(column + 1);
        let own = &above[column];
        for row in below {
            let factor = row[column] / own[column];
            if factor != 0.0 {
                for (cell, from) in row[column..].iter_mut().zip(&own[column..]) {
                    *cell -= factor * from;
                }
            }
        }
    }
    let mut solved = vec![0.0_f64; n];
    for state in (0..n).rev() {
        let known: f64 = (state + 1..n).map(|to| rows[state][to] * solved[to]).sum();
        solved[state] = (rows[state][n] - known) / rows[state][state];
    }
    solved[0]
}

/// To 1e-9 of themselves, which the printed table cannot show.
#[test]
fn markov_removal_effects_equal_another_way_to_solve_the_chain() {
    let Some(paths) = path_data() else { return };
    for order in 1..=2 {
        let whole = converting(&paths, order.into(), None);
        // With null paths the chain converts as often as customers did, at every order.
        close(whole, 19_785.0 / 88_387.0, 1e-12);
        let model = AttributionModel::Markov { order, removal: Removal::ToNull, nulls: NullPaths::Counted };
        let found = paths.attribute(model).unwrap();
        let effects: Vec<f64> =
            (0..12).map(|channel| 1.0 - converting(&paths, order.into(), Some(channel)) / whole).collect();
        let total: f64 = effects.iter().sum();
        for ((seen, credit), expected) in found.removal_effects().iter().zip(found.credits()).zip(effects) {
            close(*seen, expected, 1e-9);
            close(credit.conversions, expected / total * 19_785.0, 1e-9);
        }
        assert_eq!((found.attributed(), found.unattributed(), found.nulls()), (19_785, 0, 68_602));
    }
}

/// `do-attribution` 0.0.2 calls this `fail`: the share of conversions whose path touches the channel, whatever the order.
#[test]
fn a_path_fails_with_its_channel_at_every_order() {
    let Some(paths) = path_data() else { return };
    let credits = |order| {
        let removal = Removal::PathFails;
        let model = AttributionModel::Markov { order, removal, nulls: NullPaths::Counted };
        let credits = paths.attribute(model).unwrap();
        credits.credits().iter().map(|credit| credit.conversions).collect::<Vec<_>>()
    };
    let first = credits(1);
    // The table there says 5,876.3 for alpha.
    assert!((first[0] - 5_876.3).abs() <= 0.05, "{first:?}");
    for order in 2..=4 {
        assert_eq!(credits(order), first, "order {order}");
    }
}

#[test]
fn shapley_by_all_sets() {
    let Some(paths) = path_data() else { return };
    let mut worth = vec![0_u64; 1 << 12];
    for path in paths.iter() {
        let set = path.touches.iter().fold(0_usize, |set, &touch| set | 1 << touch);
        worth[set] += path.outcome.conversions;
    }
    for channel in 0..12 {
        for set in 0..worth.len() {
            if set >> channel & 1 == 1 {
                worth[set] += worth[set ^ (1 << channel)];
            }
        }
    }
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    let attribution = paths.attribute(AttributionModel::Shapley).unwrap();
    for (channel, credit) in attribution.credits().iter().enumerate() {
        let mut expected = 0.0;
        for set in (0..worth.len()).filter(|set| set >> channel & 1 == 0) {
            let size = set.count_ones();
            let gain = f64::from(u32::try_from(worth[set | 1 << channel] - worth[set]).unwrap());
            expected += factorial(size) * factorial(11 - size) / factorial(12) * gain;
        }
        close(credit.conversions, expected, 1e-10);
    }
}

/// Hillstrom's mailing: visits with the men's mail and without any, over 11 strata of past spend and newness. The risk
/// difference of Mantel and Haenszel was made by a script in another language; 0.076590 without strata.
#[test]
fn mail_sells_visits() {
    let Some(folder) = logs::folder() else { return };
    let file = std::fs::File::open(folder.join("../insight/uplift/hillstrom.csv.gz")).unwrap();
    let mut strata = BTreeMap::new();
    let mut tally = OfferTally::new();
    for record in csv::Reader::from_reader(flate2::read::GzDecoder::new(file)).records() {
        let record = record.unwrap();
        if &record[8] == "Womens E-Mail" {
            continue;
        }
        let next = u32::try_from(strata.len()).unwrap();
        let stratum = *strata.entry((record[1].to_owned(), record[6].to_owned())).or_insert(next);
        let (offered, bought) = (&record[8] == "Mens E-Mail", &record[9] == "1");
        tally.push(1, stratum, offered, bought);
        tally.push(2, 0, offered, bought);
    }
    let points = tally.selling_points(100, patronage::Share::new(0.95).unwrap());
    let effects: Vec<_> = points
        .points()
        .iter()
        .map(|point| match point {
            SellingPoint::Measured { moment, effect, strata, .. } => (*moment, *strata, *effect),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((effects[0].0, effects[0].1, effects[1].0, effects[1].1), (2, 1, 1, 11));
    assert!((effects[0].2.value() - 0.076_590).abs() < 1e-6);
    // The interval without strata was made by Newcombe's method there; with as many customers both agree to 1e-5.
    assert!(
        (effects[0].2.lower() - 0.069_953).abs() < 1e-5 && (effects[0].2.upper() - 0.083_227).abs() < 1e-5
    );
    close(effects[1].2.value(), 0.076_332_712_037_057_48, 1e-12);
}
