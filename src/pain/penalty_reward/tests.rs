use super::*;
use crate::numeric::random::Random;
use crate::pain::Factor;

const A: Tag = Tag::literal("a");
const B: Tag = Tag::literal("b");

fn stars() -> RatingCuts {
    RatingCuts::new(2.0, 4.0).unwrap()
}

fn close(seen: f64, expected: f64) {
    assert!((seen - expected).abs() < 1e-12 * expected.abs().max(1.0), "{seen} {expected}");
}

fn table(columns: &[(Tag, &[f64])]) -> DriverTable {
    DriverTable::from_columns(columns.iter().copied()).unwrap()
}

/// One attribute: so many low, middle and high answers, and outcomes around a mean for each.
fn one(counts: [usize; 3], means: [f64; 3]) -> (Vec<f64>, Vec<f64>) {
    let (mut ratings, mut outcome) = (Vec::new(), Vec::new());
    for ((rating, count), mean) in [1.0, 3.0, 5.0].into_iter().zip(counts).zip(means) {
        for row in 0..count {
            ratings.push(rating);
            outcome.push(mean + if row % 2 == 0 { 1.0 } else { -1.0 });
        }
    }
    (ratings, outcome)
}

fn contrast(counts: [usize; 3], means: [f64; 3]) -> Contrast {
    let (ratings, outcome) = one(counts, means);
    let found =
        table(&[(A, &ratings)]).penalty_reward(&outcome, &[stars()], &DriverOptions::default()).unwrap();
    *found.drivers()[0].contrast().found().unwrap()
}

#[test]
fn one_attribute_by_hand() {
    let (ratings, outcome) = one([40, 100, 60], [4.0, 7.0, 8.0]);
    let found =
        table(&[(A, &ratings)]).penalty_reward(&outcome, &[stars()], &DriverOptions::default()).unwrap();
    let driver = found.drivers()[0];
    assert_eq!((driver.driver(), driver.low(), driver.middle(), driver.high()), (A, 40, 100, 60));
    let contrast = driver.contrast().found().unwrap();
    // Differences of means; all residuals are 1 in size, and 197 degrees of freedom are left.
    close(contrast.penalty().effect().value(), -3.0);
    close(contrast.reward().effect().value(), 1.0);
    let s = (200.0 / 197.0_f64).sqrt();
    close(contrast.penalty().standard_error(), s * (1.0 / 40.0 + 1.0 / 100.0_f64).sqrt());
    close(contrast.reward().standard_error(), s * (1.0 / 60.0 + 1.0 / 100.0_f64).sqrt());
    close(found.intercept().unwrap(), 7.0);
    // Sums of squares: around 6.7 in all 488, of which residuals 200. t of 197: 1.972079 (mpmath).
    close(found.r_squared().unwrap(), 1.0 - 200.0 / (200.0 + 40.0 * 2.7 * 2.7 + 100.0 * 0.09 + 60.0 * 1.69));
    let half = contrast.penalty().effect().upper() + 3.0;
    assert!((half / contrast.penalty().standard_error() - 1.972_079_034).abs() < 1e-8, "{half}");
    close(contrast.range(), 4.0);
    close(contrast.satisfying_share().unwrap(), 0.25);
    close(contrast.dissatisfying_share().unwrap(), 0.75);
    close(contrast.asymmetry().unwrap(), -0.5);
    assert_eq!(contrast.class(), ImpactClass::Frustrator);
    assert_eq!((found.tests(), found.rows(), found.left_out()), (2, 200, 0));
    let (penalty, reward) = (contrast.penalty(), contrast.reward());
    assert!(penalty.p_value() < reward.p_value() && reward.p_value() < 1e-7);
    close(penalty.holm_p_value(), 2.0 * penalty.p_value());
    close(reward.holm_p_value(), reward.p_value());
    close(reward.q_value(), reward.p_value());

    let priority = found.priorities()[0];
    close(priority.prevalence().value(), 0.2);
    close(priority.impact().value(), 3.0);
    close(priority.priority().value(), 0.6);
    // Wilson's interval of 40 of 200, 0.1505 to 0.2609, and the t interval of 3: squared and added by hand.
    let (share, cost) = (priority.prevalence(), priority.impact());
    let below = (3.0 * (0.2 - share.lower())).hypot(0.2 * (3.0 - cost.lower()));
    close(priority.priority().lower(), 0.6 - below);
    assert!(serde_json::to_string(&found).unwrap().contains("\"class\":\"frustrator\""));
}

#[test]
fn classes_follow_the_asymmetry_and_its_lines() {
    let classes = [
        ([4.0, 7.0, 7.0], ImpactClass::Frustrator, Some(Factor::Basic)),
        ([5.0, 7.0, 8.0], ImpactClass::Dissatisfier, Some(Factor::Basic)),
        ([5.0, 7.0, 9.0], ImpactClass::Hybrid, Some(Factor::Performance)),
        ([6.0, 7.0, 9.0], ImpactClass::Satisfier, Some(Factor::Excitement)),
        ([7.0, 7.0, 10.0], ImpactClass::Delighter, Some(Factor::Excitement)),
        ([7.0, 7.0, 7.0], ImpactClass::Indistinct, None),
        ([9.0, 7.0, 9.0], ImpactClass::Reversed, None),
    ];
    for (means, class, factor) in classes {
        let found = contrast([60, 60, 60], means);
        assert_eq!((found.class(), found.class().factor()), (class, factor), "{means:?}");
        assert!(found.asymmetry().is_none_or(|asymmetry| (-1.0..=1.0).contains(&asymmetry)));
    }
    // One third is the asymmetry of a penalty of 2 and a reward of 1: a matter of the lines.
    let (ratings, outcome) = one([60, 60, 60], [5.0, 7.0, 8.0]);
    let options = DriverOptions::default();
    for (hybrid, extreme, class) in [
        (0.1, 0.3, ImpactClass::Frustrator),
        (0.5, 0.6, ImpactClass::Hybrid),
        (0.1, 0.4, ImpactClass::Dissatisfier),
    ] {
        let options = options.with_asymmetry(hybrid, extreme).unwrap();
        let found = table(&[(A, &ratings)]).penalty_reward(&outcome, &[stars()], &options).unwrap();
        assert_eq!(found.drivers()[0].contrast().found().unwrap().class(), class);
    }
}

#[test]
fn waits_are_worse_the_longer() {
    let (ratings, outcome) = one([60, 60, 60], [4.0, 7.0, 7.5]);
    let waits: Vec<f64> = ratings.iter().map(|stars| 12.0 - 2.0 * stars).collect();
    let cuts = RatingCuts::more_is_worse(8.0, 4.0).unwrap();
    let options = DriverOptions::default();
    let one = table(&[(A, &ratings)]).penalty_reward(&outcome, &[stars()], &options).unwrap();
    let other = table(&[(A, &waits)]).penalty_reward(&outcome, &[cuts], &options).unwrap();
    assert_eq!(one, other);
    assert!(RatingCuts::more_is_worse(4.0, 8.0).is_err() && RatingCuts::new(f64::NAN, 1.0).is_err());
    assert!(RatingCuts::new(f64::NEG_INFINITY, 1.0).is_err());
}

#[test]
fn too_few_answers_say_so_and_stay_out() {
    // Of the second attribute only 29 answers are low.
    let (ratings, outcome) = one([60, 60, 60], [4.0, 7.0, 8.0]);
    let rare: Vec<f64> =
        (0..180).map(|row| if row < 29 { 1.0 } else { f64::from(3 + row % 2 * 2) }).collect();
    let options = DriverOptions::default();
    let both = table(&[(B, &rare), (A, &ratings)]);
    let found = both.penalty_reward(&outcome, &[stars(); 2], &options).unwrap();
    assert_eq!(*found.drivers()[0].contrast(), Finding::TooFew { minimum: 30 });
    assert_eq!(found.drivers()[0].low(), 29);
    let alone = table(&[(A, &ratings)]).penalty_reward(&outcome, &[stars()], &options).unwrap();
    assert_eq!(found.drivers()[1], alone.drivers()[0]);
    assert_eq!((found.tests(), found.priorities().len()), (2, 1));
    let all_too_few =
        both.penalty_reward(&outcome, &[stars(); 2], &options.with_minimum(61).unwrap()).unwrap();
    assert_eq!((all_too_few.tests(), all_too_few.r_squared(), all_too_few.intercept()), (0, None, None));
    assert!(all_too_few.priorities().is_empty());
    let less = both.penalty_reward(&outcome, &[stars(); 2], &options.with_minimum(29).unwrap()).unwrap();
    assert_eq!(less.tests(), 4);
}

#[test]
fn bad_input_is_refused_by_name() {
    let (ratings, outcome) = one([60, 60, 60], [4.0, 7.0, 8.0]);
    let both = table(&[(A, &ratings), (B, &ratings)]);
    let options = DriverOptions::default();
    let refused = both.penalty_reward(&outcome, &[stars(); 2], &options).unwrap_err();
    assert_eq!(refused, PainError::CollinearDriver { driver: B });
    let refused = both.penalty_reward(&outcome, &[stars()], &options).unwrap_err();
    assert_eq!(refused, PainError::CutCount { expected: 2, found: 1 });
    let refused = both.penalty_reward(&[1.0; 180], &[stars(); 2], &options).unwrap_err();
    assert_eq!(refused, PainError::ConstantOutcome);
    let refused = both.penalty_reward(&outcome[1..], &[stars(); 2], &options).unwrap_err();
    assert_eq!(refused, PainError::ColumnLength { column: "outcome", expected: 180, found: 179 });
    let few = table(&[(A, &[1.0, 3.0, 5.0])]);
    let refused =
        few.penalty_reward(&[1.0, 2.0, 4.0], &[stars()], &options.with_minimum(1).unwrap()).unwrap_err();
    assert_eq!(refused, PainError::TooFewRows { rows: 3, needed: 4 });
}

#[test]
fn with_nothing_planted_few_data_sets_show_anything() {
    let mut random = Random::new(23);
    let mut shown = 0;
    for _ in 0..400 {
        let mut ratings =
            || -> Vec<f64> { (0..150).map(|_| 1.0 + libm::floor(5.0 * random.uniform())).collect() };
        let (a, b) = (ratings(), ratings());
        let outcome: Vec<f64> = (0..150).map(|_| random.normal()).collect();
        let options = DriverOptions::default().with_minimum(10).unwrap();
        let found = table(&[(A, &a), (B, &b)]).penalty_reward(&outcome, &[stars(); 2], &options).unwrap();
        let classes = found.drivers().iter().filter_map(|driver| Some(driver.contrast().found()?.class()));
        shown += u32::from(classes.into_iter().any(|class| class != ImpactClass::Indistinct));
    }
    // At most 20 are expected, with a standard deviation of 4.4.
    assert!(shown <= 33, "{shown}");
}

#[test]
fn priority_follows_the_sign_of_the_impact() {
    let level = DriverOptions::default().level();
    let share = Estimate::new(0.2, 0.15, 0.3, level, 100).unwrap();
    let cost = Estimate::new(-1.0, -1.5, -0.8, level, 100).unwrap();
    let found = driver_priority::priority(&share, &cost).unwrap();
    close(found.value(), -0.2);
    // More of what does good is further below 0.
    close(found.lower(), -0.2 - 0.1_f64.hypot(0.2 * 0.5));
    close(found.upper(), -0.2 + 0.05_f64.hypot(0.2 * 0.2));
    let other = Estimate::new(1.0, 0.5, 1.5, crate::measure::Share::new(0.9).unwrap(), 100).unwrap();
    assert_eq!(driver_priority::priority(&share, &other).unwrap_err().field(), "estimate.level");
}
