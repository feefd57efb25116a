use super::trinomial::{self, Trinomial};
use super::*;
use crate::interaction::{Effort, EffortDirection, Sentiment, Touchpoint};
use crate::lifecycle::LifecycleStage;
use crate::measure::Share;
use crate::numeric::proportion::z;
use crate::numeric::split_mix::SplitMix;
use crate::tag::Tag;
use proptest::prelude::*;

fn level() -> Share {
    Share::new(0.95).unwrap()
}

fn of(detractors: u64, passives: u64, promoters: u64) -> Trinomial {
    Trinomial::new(promoters, detractors, detractors + passives + promoters).unwrap()
}

fn tally(detractors: usize, passives: usize, promoters: usize) -> NpsTally {
    let mut tally = NpsTally::default();
    tally.push_columns(&[vec![6; detractors], vec![7; passives], vec![9; promoters]].concat()).unwrap();
    tally
}

#[test]
fn intervals_agree_with_published_code() {
    // The score interval of the R functions published with Rocks (2016), evaluated at the 95 % level, and the adjusted
    // Wald interval by hand.
    for (detractors, passives, promoters, score, adjusted) in [
        (0, 0, 5, (0.131_035, 1.0), Some((0.174_915, 1.0))),
        (1, 2, 7, (0.048_924, 0.858_858), Some((0.070_394, 0.852_683))),
        (2, 3, 5, (-0.216_592, 0.675_278), None),
        (10, 20, 30, (0.131_740, 0.505_639), Some((0.133_012, 0.501_909))),
        (45, 95, 160, (0.297_122, 0.462_649), Some((0.296_991, 0.462_085))),
        (1, 0, 0, (-1.0, 0.586_901), None),
        // By hand: |D| = z² / (n + z²), because V(D) = |D| (1 - |D|) where all are in the middle.
        (0, 10, 0, (-0.277_533, 0.277_533), None),
    ] {
        let case = (detractors, passives, promoters);
        let found = of(detractors, passives, promoters).score(z(0.95));
        assert!((found.lower - score.0).abs() < 6e-7, "{case:?}: {}", found.lower);
        assert!((found.upper - score.1).abs() < 6e-7, "{case:?}: {}", found.upper);
        let Some(adjusted) = adjusted else { continue };
        let found = of(detractors, passives, promoters).adjusted_wald(z(0.95));
        assert!((found.lower - adjusted.0).abs() < 6e-7, "{case:?}: {}", found.lower);
        assert!((found.upper - adjusted.1).abs() < 6e-7, "{case:?}: {}", found.upper);
    }
}

/// How often intervals of `n` answers cover the truth, exactly: over every trinomial with shares in whole twentieths
/// above zero, the least and the mean.
fn coverage(n: u64, interval: impl Fn(Trinomial) -> (f64, f64)) -> (f64, f64) {
    let ln_factorial: Vec<f64> = (0..=n)
        .scan(0.0, |sum, k| {
            *sum += (k.max(1) as f64).ln();
            Some(*sum)
        })
        .collect();
    let mut outcomes = Vec::new();
    for promoters in 0..=n {
        for detractors in 0..=n - promoters {
            let passives = n - promoters - detractors;
            let (lower, upper) = interval(of(detractors, passives, promoters));
            let ways = ln_factorial[n as usize]
                - [promoters, detractors, passives].map(|k| ln_factorial[k as usize]).iter().sum::<f64>();
            outcomes.push((promoters as f64, detractors as f64, passives as f64, ways, lower, upper));
        }
    }
    let (mut least, mut sum, mut points) = (1.0_f64, 0.0, 0.0);
    for plus in 1..19 {
        for minus in 1..20 - plus {
            let shares = [plus, minus, 20 - plus - minus].map(|part| f64::from(part) / 20.0);
            let logs = shares.map(f64::ln);
            let truth = shares[0] - shares[1];
            let covered: f64 = outcomes
                .iter()
                .filter(|outcome| outcome.4 <= truth + 1e-12 && truth <= outcome.5 + 1e-12)
                .map(|(a, b, c, ways, ..)| (ways + a * logs[0] + b * logs[1] + c * logs[2]).exp())
                .sum();
            least = least.min(covered);
            sum += covered;
            points += 1.0;
        }
    }
    (least, sum / points)
}

#[test]
fn score_intervals_cover_the_truth() {
    for n in [10, 20, 30, 50, 100] {
        let (least, mean) = coverage(n, |found| {
            let interval = found.score(z(0.95));
            (interval.lower, interval.upper)
        });
        println!("score, n = {n}: least {least:.4}, mean {mean:.4}");
        assert!(least >= 0.935, "n = {n}: {least}");
        assert!((0.945..0.965).contains(&mean), "n = {n}: {mean}");
    }
}

#[test]
fn adjusted_wald_intervals_cover_the_truth() {
    for n in [10, 20, 50, 100] {
        let (least, mean) = coverage(n, |found| {
            let interval = found.adjusted_wald(z(0.95));
            (interval.lower, interval.upper)
        });
        println!("adjusted Wald, n = {n}: least {least:.4}, mean {mean:.4}");
        assert!(least >= 0.92, "n = {n}: {least}");
    }
    // The check can fail: the plain Wald interval does.
    let (least, _) = coverage(10, |found| {
        let interval = found.adjusted_wald(0.0);
        let half = 1.96 * (found.adjusted().1 * 0.2 / 10.0).sqrt();
        (interval.lower - half, interval.upper + half)
    });
    assert!(least < 0.9);
}

#[test]
fn plain_scores_are_those_that_peers_get_wrong() {
    // Rust crates truncate to 33 and 0, or overflow at 128 promoters; a survey platform counts the dismissed.
    for (detractors, passives, promoters, expected) in [
        (332, 1, 667, 33.5),
        (332, 335, 333, 0.1),
        (0, 0, 128, 100.0),
        (199, 201, 200, 100.0 / 600.0),
        (0, 1, 2, 200.0 / 3.0),
    ] {
        let score = tally(detractors, passives, promoters).score(level()).unwrap();
        assert!((score.value() - expected).abs() < 1e-12, "{score}");
    }
    let mut five = tally(0, 0, 5);
    five.push_columns(&[NpsTally::DISMISSED; 5]).unwrap();
    assert_eq!(five.score(level()).unwrap(), tally(0, 0, 5).score(level()).unwrap());
    assert_eq!((five.answered(), five.dismissed(), five.unanswered()), (5, 5, 0));
}

#[test]
fn off_scale_is_refused_by_row_and_counts_nothing() {
    let mut nps = tally(1, 1, 1);
    let before = nps;
    let refused = nps.push_columns(&[0, 10, 254, 255, 11, 12]).unwrap_err();
    let expected = FeedbackError::OffScale { column: "nps.score", row: 4, value: 11, lowest: 0, highest: 10 };
    assert_eq!((refused, nps), (expected, before));
    let mut csat = CsatTally::new(CsatScale::Five);
    let refused = csat.push_columns(&[5, 0]).unwrap_err();
    assert_eq!(refused.to_string(), "column `csat.answer`: row 1 is off the scale of 1 to 5, got 0");
    assert_eq!(csat.answered(), 0);
    let seven = CsatAnswer::new(7, CsatScale::Seven).unwrap();
    let refused = csat.push(Answer::Answered(seven)).unwrap_err();
    assert_eq!(refused.to_string(), "csat: the tally counts answers of 5 points, this is of 7");
    assert!(csat.share(seven, level()).is_err() && csat.merge(&CsatTally::new(CsatScale::Seven)).is_err());
    assert!(CsatAnswer::new(0, CsatScale::Seven).is_err() && NpsScore::new(11).is_err());
    let mut ces = CesTally::new(EffortScale::new(5, EffortDirection::EasyIsHigh).unwrap());
    assert!(matches!(
        ces.push_columns(&[6]),
        Err(FeedbackError::OffScale { row: 0, value: 6, highest: 5, .. })
    ));
    let other = EffortScale::new(5, EffortDirection::HardIsHigh).unwrap();
    let refused = ces.merge(&CesTally::new(other)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ces: the tally counts answers of 5 points, easy_is_high, this is of 5 points, hard_is_high"
    );
    assert!(ces.difference(&CesTally::new(other), CesConvention::Mean, level()).is_err());
    assert!(EffortScale::new(2, EffortDirection::EasyIsHigh).is_err());
    let refused = ces.score(CesConvention::NetEasy, level()).unwrap_err();
    assert_eq!(refused.to_string(), "ces: the convention `net_easy` needs a scale of 7 points, this has 5");
}

#[test]
fn empty_groups_are_errors_and_never_zero() {
    let (empty, some) = (NpsTally::default(), tally(1, 2, 3));
    let none = |group| FeedbackError::NoAnswers { metric: "nps", group };
    assert_eq!(empty.score(level()).unwrap_err(), none("the tally"));
    assert_eq!(empty.share(NpsGroup::Passive, level()).unwrap_err(), none("the tally"));
    assert_eq!(empty.difference(&some, level()).unwrap_err(), none("the first tally"));
    assert_eq!(some.difference(&empty, level()).unwrap_err(), none("the second tally"));
    assert_eq!(empty.response_rate(level()).unwrap_err(), FeedbackError::NobodyAsked { metric: "nps" });
    let mut silent = NpsTally::default();
    silent.push(Answer::Unanswered);
    assert_eq!(silent.response_rate(level()).unwrap().value(), 0.0);
    assert!(silent.score(level()).is_err());
    let csat = CsatTally::new(CsatScale::Five);
    assert!(csat.satisfied(level()).is_err() && csat.difference(&csat, level()).is_err());
    assert!(matches!(csat.mean(level()), Err(FeedbackError::TooFewAnswers { need: 2, have: 0, .. })));
    let felt = SentimentTally::default();
    assert!(felt.negative(level()).is_err() && felt.emotion(Emotion::Joy, level()).is_err());
    assert!(felt.mean(Weighting::Equal, level()).is_err());
    assert!(ScorerCheck::default().accuracy(level()).is_err() && ScorerCheck::default().baseline().is_err());
}

#[test]
fn all_the_same_has_no_mean_interval_but_a_share() {
    let mut csat = CsatTally::new(CsatScale::Five);
    csat.push_columns(&[4; 9]).unwrap();
    let expected = FeedbackError::AllTheSame { metric: "csat", group: "the tally" };
    assert_eq!(csat.mean(level()).unwrap_err(), expected);
    assert!(matches!(
        csat.mean_difference(&csat, level()),
        Err(FeedbackError::AllTheSame { group: "the first tally", .. })
    ));
    let satisfied = csat.satisfied(level()).unwrap();
    assert!(satisfied.value() == 1.0 && (0.6..0.8).contains(&satisfied.lower()));
    assert_eq!(csat.difference(&csat, level()).unwrap().p_value(), 1.0);
    let same = Sentiment::new(-0.3, Tag::literal("x"), Share::ONE).unwrap();
    let mut felt = SentimentTally::default();
    felt.push(&same);
    felt.push(&same);
    assert!(matches!(felt.mean(Weighting::Equal, level()), Err(FeedbackError::AllTheSame { .. })));
    let mut unsure = SentimentTally::default();
    for score in [-0.5, 0.5] {
        unsure.push(&Sentiment::new(score, Tag::literal("x"), Share::ZERO).unwrap());
    }
    let refused = unsure.mean(Weighting::Confidence, level()).unwrap_err();
    assert_eq!(refused, FeedbackError::NoConfidence { metric: "sentiment" });
    assert_eq!(unsure.mean(Weighting::Equal, level()).unwrap().value(), 0.0);
}

#[test]
fn settings_outside_are_refused() {
    assert!(Family::<()>::new(Share::ZERO, ErrorRate::FamilyWise).is_err());
    assert!(Family::<()>::new(Share::ONE, ErrorRate::FalseDiscovery).is_err());
    for wrong in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(nps_sample_size(wrong, 10.0, level()).is_err(), "{wrong}");
    }
    for wrong in [0.0, 100.0, f64::NAN, f64::INFINITY] {
        assert!(nps_sample_size(1.0, wrong, level()).is_err(), "{wrong}");
    }
    assert!(nps_sample_size(1.0, 5.0, Share::ONE).is_err());
    assert!(nps_sample_size_per_group([1.0, 1.0], 10.0, level(), Share::new(0.4).unwrap()).is_err());
    assert!(nps_sample_size_per_group([1.0, 0.0], 10.0, level(), Share::new(0.8).unwrap()).is_err());
    assert!(share_sample_size(Share::ONE, Share::ZERO, level()).is_err());
}

#[test]
fn sample_sizes_give_the_margin() {
    for expected in [0.5, 0.3, 0.05, 0.0] {
        for margin in [0.1, 0.05, 0.01] {
            let (share, h) = (Share::new(expected).unwrap(), Share::new(margin).unwrap());
            let n = share_sample_size(share, h, level()).unwrap() as f64;
            let half = |n: f64| {
                let z = z(0.95);
                z * (expected * (1.0 - expected) / n + z * z / 4.0 / n / n).sqrt() / (1.0 + z * z / n)
            };
            assert!(half(n) <= margin && half(n - 1.0) > margin, "{expected} {margin}: {n}");
        }
    }
    let pilot = tally(20, 30, 50);
    let n = nps_sample_size(pilot.variance().unwrap(), 5.0, level()).unwrap();
    let scale = usize::try_from(n / 100).unwrap();
    let large = tally(20 * scale, 30 * scale, 50 * scale).score_by(NpsMethod::AdjustedWald, level()).unwrap();
    assert!((large.upper() - large.lower() - 10.0).abs() < 0.3, "{large}");
}

#[test]
fn effort_counts_the_easy_side_of_either_direction() {
    let answers = [1, 2, 2, 3, 4, 5, 6, 7, 7, 7];
    let mut easy = CesTally::new(EffortScale::new(7, EffortDirection::EasyIsHigh).unwrap());
    let mut hard = CesTally::new(EffortScale::new(7, EffortDirection::HardIsHigh).unwrap());
    easy.push_columns(&answers).unwrap();
    hard.push_columns(&answers.map(|answer| 8 - answer)).unwrap();
    for (convention, expected) in [(CesConvention::NetEasy, 0.0), (CesConvention::SomewhatAgree, 0.5)] {
        let (one, two) = (easy.score(convention, level()).unwrap(), hard.score(convention, level()).unwrap());
        assert_eq!((one.value(), one), (expected, two), "{convention}");
        assert_eq!(easy.difference(&easy, convention, level()).unwrap().p_value(), 1.0);
    }
    let means = [easy, hard].map(|tally| tally.score(CesConvention::Mean, level()).unwrap().value());
    assert_eq!(means, [4.4, 3.6]);
    let mut five = CesTally::new(EffortScale::new(5, EffortDirection::HardIsHigh).unwrap());
    five.push_columns(&[1, 2, 3, 4, 5]).unwrap();
    assert_eq!(five.score(CesConvention::TopTwoOfFive, level()).unwrap().value(), 0.4);
    let answer = Effort::new(2, 5, EffortDirection::HardIsHigh).unwrap();
    assert_eq!(five.share(answer, level()).unwrap().value(), 0.2);
}

#[test]
fn means_agree_with_student_and_welch() {
    // scipy 1.x: t.interval(0.95, 9, 3.7, sem), ttest_ind(a, b, equal_var=False).
    let (mut a, mut b) = (CsatTally::new(CsatScale::Five), CsatTally::new(CsatScale::Five));
    a.push_columns(&[5, 5, 4, 4, 4, 3, 2, 5, 4, 1]).unwrap();
    b.push_columns(&[3, 2, 2, 4, 1, 3]).unwrap();
    let mean = a.mean(level()).unwrap();
    assert!(
        (mean.lower() - 2.743_214_781_038_39).abs() < 1e-9
            && (mean.upper() - 4.656_785_218_961_611).abs() < 1e-9,
        "{mean}"
    );
    let welch = a.mean_difference(&b, level()).unwrap();
    let found = [welch.estimate().lower(), welch.estimate().upper(), welch.p_value()];
    for (found, expected) in
        found.iter().zip([-0.102_645_575_568_655_5, 2.502_645_575_568_656, 0.067_979_880_859_704_5])
    {
        assert!((found - expected).abs() < 1e-9, "{welch:?}");
    }
}

#[test]
fn chance_alone_rarely_looks_like_a_difference() {
    // The exact chance that two groups of 15 with one truth differ at p <= 0.05.
    let n = 15_u64;
    let outcomes: Vec<(u64, u64)> = (0..=n).flat_map(|a| (0..=n - a).map(move |b| (a, b))).collect();
    let ln_factorial = |k: u64| (1..=k).map(|k| (k as f64).ln()).sum::<f64>();
    for (plus, minus) in [(0.5_f64, 0.2_f64), (0.3, 0.3), (0.8, 0.05), (0.1, 0.6)] {
        let chance = |&(a, b): &(u64, u64)| {
            let c = n - a - b;
            let ways = ln_factorial(n) - ln_factorial(a) - ln_factorial(b) - ln_factorial(c);
            (ways + a as f64 * plus.ln() + b as f64 * minus.ln() + c as f64 * (1.0 - plus - minus).ln()).exp()
        };
        let chances: Vec<f64> = outcomes.iter().map(chance).collect();
        let mut flagged = 0.0;
        for (one, p) in outcomes.iter().zip(&chances) {
            for (two, q) in outcomes.iter().zip(&chances) {
                let [first, second] = [one, two].map(|&(a, b)| of(b, n - a - b, a));
                if trinomial::difference(first, second, z(0.95)).2 <= 0.05 {
                    flagged += p * q;
                }
            }
        }
        println!("{plus} {minus}: {flagged:.4}");
        assert!((0.01..=0.055).contains(&flagged), "{plus} {minus}: {flagged}");
    }
}

#[test]
fn a_family_keeps_a_year_without_news_quiet() {
    // 50 answers a month, 20 % detractors and 50 % promoters in every month: plain tests cry wolf in two years of five.
    let (mut random, years) = (SplitMix::new(7), 2000);
    let (mut plain, mut together) = (0, 0);
    for _ in 0..years {
        let months: Vec<NpsTally> = (0..12)
            .map(|_| {
                let mut month = NpsTally::default();
                for _ in 0..50 {
                    let score = match random.below(10) {
                        0..2 => 3,
                        2..5 => 8,
                        _ => 10,
                    };
                    month.push(Answer::Answered(NpsScore::new(score).unwrap()));
                }
                month
            })
            .collect();
        let mut family = Family::new(Share::new(0.05).unwrap(), ErrorRate::FamilyWise).unwrap();
        for (month, pair) in months.windows(2).enumerate() {
            family.ask(month, pair[1].difference(&pair[0], level()).unwrap());
        }
        assert_eq!(family.len(), 11);
        let findings = family.findings();
        plain += usize::from(findings.iter().any(|found| found.difference().p_value() <= 0.05));
        together += usize::from(findings.iter().any(Finding::is_real));
    }
    let [plain, together] = [plain, together].map(|years_with| years_with as f64 / f64::from(years));
    println!("false alarms: plain {plain:.3}, family {together:.3}");
    assert!((0.35..0.45).contains(&plain), "{plain}");
    assert!(together <= 0.05, "{together}");
}

#[test]
fn families_adjust_as_published() {
    let difference = |p_value| Difference {
        estimate: crate::measure::Estimate::new(1.0, 0.0, 2.0, level(), 10).unwrap(),
        p_value,
    };
    // Benjamini and Hochberg (1995), section 3.2: of 15 p-values Bonferroni rejects 3, their procedure 4.
    let p_values = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
        0.6528, 0.7590, 1.0,
    ];
    for (kind, real) in [(ErrorRate::FamilyWise, 3), (ErrorRate::FalseDiscovery, 4)] {
        let mut family = Family::new(Share::new(0.05).unwrap(), kind).unwrap();
        assert!(family.is_empty());
        for (place, p) in p_values.into_iter().enumerate().rev() {
            family.ask(place, difference(p));
        }
        assert!((family.simultaneous_level().get() - (1.0 - 0.05 / 15.0)).abs() < 1e-15);
        let findings = family.findings();
        let found: Vec<usize> =
            findings.iter().filter(|found| found.is_real()).map(|found| *found.label()).collect();
        assert_eq!(found, (0..real).rev().collect::<Vec<_>>());
        assert!(findings.iter().all(|found| found.adjusted_p_value() >= found.difference().p_value()));
    }
}

#[test]
fn maps_keep_places_and_sources_apart() {
    let [note, model] = ["agent_note", "model.v2"].map(Tag::literal);
    let place = |touchpoint| FeedbackPlace { stage: Some(LifecycleStage::Existing), touchpoint };
    let (phone, chat) = (place(Touchpoint::PhoneIvr), place(Touchpoint::Chat));
    let mut map = SentimentMap::default();
    for (at, score, source) in
        [(phone, -0.5, note), (phone, -0.7, note), (phone, 0.9, model), (chat, 0.2, note)]
    {
        map.push(at, &Sentiment::new(score, source, Share::ONE).unwrap());
    }
    map.push_feeling(chat, &Feeling { emotion: Emotion::Joy, source: note, confidence: Share::ONE });
    let found: Vec<_> = map.tallies().map(|(at, source, tally)| (at, source, tally.count())).collect();
    assert_eq!(found, [(phone, note, 2), (phone, model, 1), (chat, note, 1)]);
    let mean = map.tally(phone, note).unwrap().mean(Weighting::Equal, level()).unwrap();
    assert!((mean.value() + 0.6).abs() < 1e-12);
    let combined = map.combined(phone);
    assert_eq!((combined.count(), combined.negative(level()).unwrap().value()), (3, 2.0 / 3.0));
    assert_eq!(map.tally(chat, note).unwrap().emotions().collect::<Vec<_>>(), [(Emotion::Joy, 1)]);
    assert_eq!(map.tally(chat, model), None);
}

fn answers() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![8 => 0_u8..=10, 1 => Just(254), 1 => Just(255)], 0..60)
}

fn answer(code: u8) -> Answer<NpsScore> {
    match code {
        NpsTally::DISMISSED => Answer::Dismissed,
        NpsTally::UNANSWERED => Answer::Unanswered,
        score => Answer::Answered(NpsScore::new(score).unwrap()),
    }
}

/// Whatever is pushed: merging is associative and commutative, and equals pushing all.
macro_rules! assert_monoid {
    ($parts:expr, $make:expr, $merge:expr) => {
        let [a, b, c]: [_; 3] = $parts;
        let (merge, make) = ($merge, $make);
        let [one, two, three] = [&a, &b, &c].map(|rows| make(&[&rows[..]]));
        prop_assert_eq!(merge(&merge(&one, &two), &three), merge(&one, &merge(&two, &three)));
        prop_assert_eq!(merge(&one, &two), merge(&two, &one));
        prop_assert_eq!(merge(&merge(&three, &one), &two), make(&[&a[..], &b[..], &c[..]]));
    };
}

proptest! {
    #[test]
    fn nps_tallies_merge(parts in [answers(), answers(), answers()]) {
        let make = |parts: &[&[u8]]| parts.concat().into_iter().map(answer).collect::<NpsTally>();
        assert_monoid!(parts, make, |a: &NpsTally, b: &NpsTally| { let mut all = *a; all.merge(b); all });
    }

    #[test]
    fn the_doors_agree(rows in answers()) {
        let by_row: NpsTally = rows.iter().copied().map(answer).collect();
        let mut by_column = NpsTally::default();
        by_column.push_columns(&rows).unwrap();
        prop_assert_eq!(by_row, by_column);
        let text = serde_json::to_string(&by_row).unwrap();
        prop_assert_eq!(serde_json::from_str::<NpsTally>(&text).unwrap(), by_row);
    }

    #[test]
    fn csat_and_ces_tallies_merge(parts in prop::array::uniform3(prop::collection::vec(1_u8..=7, 0..30))) {
        let make = |parts: &[&[u8]]| {
            let mut tally = CsatTally::new(CsatScale::Seven);
            for row in parts.concat() {
                tally.push(Answer::Answered(CsatAnswer::new(row, CsatScale::Seven).unwrap())).unwrap();
            }
            tally
        };
        assert_monoid!(parts.clone(), make, |a: &CsatTally, b: &CsatTally| { let mut all = *a; all.merge(b).unwrap(); all });
        let scale = EffortScale::new(7, EffortDirection::HardIsHigh).unwrap();
        let make = |parts: &[&[u8]]| {
            let mut tally = CesTally::new(scale);
            for row in parts.concat() {
                tally.push(Answer::Answered(Effort::new(row, 7, EffortDirection::HardIsHigh).unwrap())).unwrap();
            }
            tally
        };
        assert_monoid!(parts.clone(), make, |a: &CesTally, b: &CesTally| { let mut all = *a; all.merge(b).unwrap(); all });
        let (mut column, all) = (CesTally::new(scale), parts.concat());
        column.push_columns(&all).unwrap();
        prop_assert_eq!(column, make(&[&all]));
    }

    #[test]
    fn sentiment_tallies_merge(parts in prop::array::uniform3(prop::collection::vec((-1.0..=1.0, 0.0..=1.0, 0_usize..8), 0..30))) {
        let make = |parts: &[&[(f64, f64, usize)]]| {
            let mut tally = SentimentTally::default();
            for (score, confidence, emotion) in parts.concat() {
                tally.push(&Sentiment::new(score, Tag::literal("x"), Share::new(confidence).unwrap()).unwrap());
                tally.push_emotion(Emotion::KNOWN[emotion]);
            }
            tally
        };
        let rows = parts.concat();
        let whole = make(&[&rows]);
        assert_monoid!(parts, make, |a: &SentimentTally, b: &SentimentTally| { let mut all = a.clone(); all.merge(b); all });
        if let Ok(mean) = whole.mean(Weighting::Equal, level()) {
            let n = rows.len() as f64;
            let m = rows.iter().map(|row| row.0).sum::<f64>() / n;
            let deviation = (rows.iter().map(|row| (row.0 - m).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
            let half = crate::numeric::student::quantile(0.95, n - 1.0) * deviation;
            prop_assert!((mean.value() - m).abs() < 1e-6);
            prop_assert!((mean.lower() - (m - half).max(-1.0)).abs() < 1e-4);
        }
        if let Ok(mean) = whole.mean(Weighting::Confidence, level()) {
            let w: f64 = rows.iter().map(|row| row.1).sum();
            let m = rows.iter().map(|row| row.0 * row.1).sum::<f64>() / w;
            prop_assert!((mean.value() - m).abs() < 1e-4);
        }
    }

    #[test]
    fn score_intervals_solve_their_equation(plus in 0_u64..400, minus in 0_u64..400, rest in 0_u64..400, level in 0.01..0.999_f64) {
        prop_assume!(plus + minus + rest > 0);
        let (found, z) = (of(minus, rest, plus), z(level));
        let interval = found.score(z);
        prop_assert!(-1.0 <= interval.lower && interval.lower <= found.net());
        prop_assert!(found.net() <= interval.upper && interval.upper <= 1.0);
        let mirrored = of(plus, rest, minus).score(z);
        prop_assert_eq!((interval.lower, interval.upper), (-mirrored.upper, -mirrored.lower));
        // Tango's statistic as he wrote it, where it is defined.
        let n = (plus + minus + rest) as f64;
        let (b, c) = (minus as f64, plus as f64);
        for (bound, sign) in [(interval.lower, 1.0), (interval.upper, -1.0)] {
            if bound.abs() > 0.999 { continue; }
            let linear = -b - c + (2.0 * n - c + b) * bound;
            let q = ((linear * linear + 8.0 * n * b * bound * (1.0 - bound)).sqrt() - linear) / (4.0 * n);
            let statistic = (c - b - n * bound) / (n * (2.0 * q + bound * (1.0 - bound))).sqrt();
            prop_assert!((statistic - sign * z).abs() < 1e-8 * (1.0 + n), "{statistic} {z}");
        }
    }

    #[test]
    fn differences_have_a_sign(first in [0_usize..40, 0_usize..40, 1_usize..40], second in [0_usize..40, 0_usize..40, 1_usize..40]) {
        let (one, two) = (tally(first[0], first[1], first[2]), tally(second[0], second[1], second[2]));
        let (forth, back) = (one.difference(&two, level()).unwrap(), two.difference(&one, level()).unwrap());
        prop_assert_eq!(forth.p_value(), back.p_value());
        prop_assert_eq!(forth.estimate().value(), -back.estimate().value());
        prop_assert_eq!(forth.estimate().lower(), -back.estimate().upper());
        let scores = one.score(level()).unwrap().value() - two.score(level()).unwrap().value();
        prop_assert!((forth.estimate().value() - scores).abs() < 1e-9);
    }
}

#[test]
fn who_did_not_answer_counts_in_no_score() {
    let (rows, missing) = ([2, 3, 4, 5, 5, 1, 7, 6], [NpsTally::DISMISSED, NpsTally::UNANSWERED, 254]);
    let with = [&rows[..], &missing].concat();
    let (mut few, mut all) = (NpsTally::default(), NpsTally::default());
    few.push_columns(&rows).unwrap();
    all.push_columns(&with).unwrap();
    assert_eq!(few.score(level()), all.score(level()));
    assert_eq!(few.variance(), all.variance());
    for &group in NpsGroup::ALL {
        assert_eq!(few.share(group, level()), all.share(group, level()));
    }
    let (mut few, mut all) = (CsatTally::new(CsatScale::Seven), CsatTally::new(CsatScale::Seven));
    few.push_columns(&rows).unwrap();
    all.push_columns(&with).unwrap();
    assert_eq!(few.satisfied(level()), all.satisfied(level()));
    assert_eq!(few.mean(level()), all.mean(level()));
    let seven = CsatAnswer::new(5, CsatScale::Seven).unwrap();
    assert_eq!(few.share(seven, level()), all.share(seven, level()));
    assert_eq!(few.difference(&all, level()).unwrap().estimate().n(), 16);
    let scale = EffortScale::new(7, EffortDirection::HardIsHigh).unwrap();
    let (mut few, mut all) = (CesTally::new(scale), CesTally::new(scale));
    few.push_columns(&rows).unwrap();
    all.push_columns(&with).unwrap();
    for convention in [CesConvention::Mean, CesConvention::NetEasy, CesConvention::SomewhatAgree] {
        assert_eq!(few.score(convention, level()).unwrap(), all.score(convention, level()).unwrap());
    }
    assert_eq!(all.response_rate(level()).unwrap().value(), 8.0 / 11.0);
    assert_eq!((all.answered(), all.dismissed(), all.unanswered(), all.count(5)), (8, 2, 1, 2));
}
