use super::*;
use crate::money::{Currency, Money};
use crate::purchase::PurchaseHistory;
use chrono::NaiveDate;
use proptest::prelude::*;

fn rows() -> impl Strategy<Value = Vec<RfmRow>> {
    // Few different values, so that ties and equal cuts are common; and now and then any value at all.
    let recency = prop_oneof![0..12, 0..i32::MAX];
    let purchases = prop_oneof![0_u32..5, any::<u32>()];
    let spend = prop_oneof![-9_i64..9, -1_000_000_i64..1_000_000_000];
    prop::collection::vec(
        (recency, purchases, spend).prop_map(|(days, count, minor)| RfmRow::new(days, count, minor).unwrap()),
        1..80,
    )
}

struct Table(Vec<i32>, Vec<u32>, Vec<i64>);

impl Table {
    fn of(rows: &[RfmRow]) -> Self {
        Self(
            rows.iter().map(|row| row.recency_days()).collect(),
            rows.iter().map(|row| row.purchases()).collect(),
            rows.iter().map(|row| row.spend_minor()).collect(),
        )
    }

    fn columns(&self) -> RfmColumns<'_> {
        RfmColumns::new(&self.0, &self.1, &self.2).unwrap()
    }
}

fn breaks_of(rows: &[RfmRow]) -> RfmBreaks {
    RfmBreaks::from_columns(Table::of(rows).columns(), &mut Vec::new()).unwrap()
}

fn scores_of(rows: &[RfmRow]) -> Vec<RfmScore> {
    breaks_of(rows).score_all(rows.iter().copied()).collect()
}

proptest! {
    #[test]
    fn the_three_doors_agree(rows in rows(), others in rows()) {
        let (table, breaks) = (Table::of(&rows), breaks_of(&others));
        let one_by_one: Vec<_> = rows.iter().map(|&row| breaks.score(row)).collect();
        let iterated: Vec<_> = breaks.score_all(rows.iter().copied()).collect();
        let mut columns = RfmScoreColumns::default();
        breaks.score_into(Table::of(&others).columns(), &mut columns);
        breaks.score_into(table.columns(), &mut columns);
        prop_assert_eq!(&one_by_one, &iterated);
        prop_assert_eq!(&one_by_one, &columns.iter().collect::<Vec<_>>());
        prop_assert_eq!(columns.len(), rows.len());
        prop_assert_eq!(columns.get(rows.len()), None);
        prop_assert_eq!(columns.get(rows.len() - 1), one_by_one.last().copied());
        prop_assert_eq!(&rows, &table.columns().rows().collect::<Vec<_>>());
        prop_assert_eq!(RfmBreaks::from_rows(&others, &mut Vec::new()).unwrap(), breaks);

        let map = SegmentMap::default();
        let named: Vec<_> = one_by_one.iter().map(|&score| map.segment(score)).collect();
        let mut column = vec![RfmSegment::Lost];
        map.segment_into(&columns, &mut column);
        prop_assert_eq!(&named, &map.segment_all(iterated).collect::<Vec<_>>());
        prop_assert_eq!(&named, &column);
    }

    #[test]
    fn every_part_is_from_one_to_five_and_reads_back(rows in rows()) {
        for score in scores_of(&rows) {
            prop_assert_eq!(RfmScore::new(score.recency(), score.frequency(), score.monetary()), Ok(score));
            prop_assert_eq!(score.to_string().parse(), Ok(score));
        }
    }

    #[test]
    fn order_of_the_customers_does_not_matter(
        (rows, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        prop_assert_eq!(breaks_of(&rows), breaks_of(&shuffled));
    }

    #[test]
    fn unit_of_money_does_not_matter(rows in rows(), factor in 1_i64..=1000) {
        let times = |factor: i64| move |row: &RfmRow| {
            RfmRow::new(row.recency_days(), row.purchases(), row.spend_minor() * factor).unwrap()
        };
        for factor in [factor, 1000] {
            let scaled: Vec<_> = rows.iter().map(times(factor)).collect();
            prop_assert_eq!(scores_of(&scaled), scores_of(&rows));
        }
    }

    #[test]
    fn nested_groups_know_neither_order_nor_unit(
        (rows, shuffled) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let nested = |rows: &[RfmRow]| NestedRfmBreaks::from_columns(Table::of(rows).columns()).unwrap();
        let breaks = nested(&rows);
        prop_assert_eq!(&breaks, &nested(&shuffled));
        let json = serde_json::to_string(&breaks).unwrap();
        prop_assert_eq!(&serde_json::from_str::<NestedRfmBreaks>(&json).unwrap(), &breaks);
        let scores: Vec<_> = breaks.score_all(rows.iter().copied()).collect();
        let mut columns = RfmScoreColumns::default();
        breaks.score_into(Table::of(&rows).columns(), &mut columns);
        prop_assert_eq!(&scores, &columns.iter().collect::<Vec<_>>());
        let thousandfold: Vec<_> = rows
            .iter()
            .map(|row| RfmRow::new(row.recency_days(), row.purchases(), row.spend_minor() * 1000).unwrap())
            .collect();
        let scaled: Vec<_> = nested(&thousandfold).score_all(thousandfold.iter().copied()).collect();
        prop_assert_eq!(&scores, &scaled);
        // The outermost axis is that of independent groups.
        prop_assert_eq!(breaks.recency_days(), breaks_of(&rows).recency_days());
    }

    #[test]
    fn groups_by_rank_know_neither_order_nor_unit(
        (keyed, shuffled) in rows().prop_flat_map(|rows| {
            let keyed: Vec<_> = rows.into_iter().enumerate().collect();
            (Just(keyed.clone()), Just(keyed).prop_shuffle())
        }),
    ) {
        let scored = |keyed: &[(usize, RfmRow)], groups: RankGroups, factor: i64| {
            let rows: Vec<_> = keyed
                .iter()
                .map(|(_, row)| RfmRow::new(row.recency_days(), row.purchases(), row.spend_minor() * factor).unwrap())
                .collect();
            let keys: Vec<_> = keyed.iter().map(|&(key, _)| key).collect();
            let mut scores = RfmScoreColumns::default();
            groups.score_into(Table::of(&rows).columns(), &keys, &mut scores).unwrap();
            let mut scores: Vec<_> = keys.into_iter().zip(scores.iter()).collect();
            scores.sort_unstable_by_key(|&(key, _)| key);
            scores
        };
        for groups in [RankGroups::Quantile, RankGroups::Ntile] {
            let scores = scored(&keyed, groups, 1);
            prop_assert_eq!(&scores, &scored(&shuffled, groups, 1));
            prop_assert_eq!(&scores, &scored(&shuffled, groups, 1000));
            // Groups of equal size, give or take one.
            let sizes = [1, 2, 3, 4, 5].map(|part| scores.iter().filter(|(_, score)| score.frequency() == part).count());
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{:?}", sizes);
        }
    }

    #[test]
    fn lines_are_summed_in_any_order(
        (lines, shuffled) in prop::collection::vec((0_u64..6, 0_i32..20, -50_i64..90), 0..40)
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
    ) {
        let as_of = NaiveDate::from_epoch_days(30).unwrap();
        let row = |lines: &[(u64, i32, i64)], definition: RfmDefinition| {
            let lines = lines.iter().map(|&(invoice, day, amount_minor)| RfmLine { invoice, day, amount_minor });
            definition.row(lines, as_of)
        };
        for &frequency in RfmFrequency::ALL {
            for &monetary in RfmMonetary::ALL {
                for returns in [RfmReturns::Net, RfmReturns::Ignore] {
                    let definition = RfmDefinition { frequency, monetary, returns };
                    prop_assert_eq!(row(&lines, definition), row(&shuffled, definition));
                }
            }
        }
        // By day and net is what a history of purchases says.
        let mut history = PurchaseHistory::new(Currency::EUR);
        for &(_, day, minor) in &lines {
            history.push_on(NaiveDate::from_epoch_days(day).unwrap(), Money::new(minor, Currency::EUR)).unwrap();
        }
        let by_day = RfmDefinition { frequency: RfmFrequency::Days, ..RfmDefinition::default() };
        prop_assert_eq!(row(&lines, by_day), RfmRow::from_history(&history, as_of));
    }

    #[test]
    fn flips_do_what_they_say_and_less_does_not(rows in rows(), others in rows()) {
        let (breaks, map) = (breaks_of(&others), SegmentMap::default());
        for row in rows {
            let now = map.segment(breaks.score(row));
            let after = |purchases: u32, spend: i64| {
                let count = row.purchases().checked_add(purchases)?;
                let minor = row.spend_minor().checked_add(spend)?;
                Some(map.segment(breaks.score(RfmRow::new(0, count, minor).unwrap())))
            };
            for flip in map.flips(&breaks, row) {
                prop_assert!(flip.segment != now && flip.purchases > 0);
                prop_assert_eq!(after(flip.purchases, flip.spend_minor), Some(flip.segment));
                if flip.purchases > 1 {
                    prop_assert!(after(flip.purchases - 1, flip.spend_minor) != Some(flip.segment));
                }
            }
            if let Some(fall) = map.fall(&breaks, row) {
                let on = |days: i32| {
                    let day = row.recency_days() + days;
                    map.segment(breaks.score(RfmRow::new(day, row.purchases(), row.spend_minor()).unwrap()))
                };
                prop_assert_eq!(on(fall.in_days), fall.segment);
                prop_assert_eq!(on(fall.in_days - 1), now);
            }
        }
    }

    #[test]
    fn parts_of_a_migration_add_up(moves in prop::collection::vec((0_u8..4, 0_u8..4), 0..40), cut in 0_usize..40) {
        let counted = |moves: &[(u8, u8)]| {
            let mut migration = SegmentMigration::default();
            for &(from, to) in moves {
                migration.push((from > 0).then_some(from), (to > 0).then_some(to));
            }
            migration
        };
        let (first, second) = moves.split_at(cut.min(moves.len()));
        let (mut one, mut other) = (counted(first), counted(second));
        one.merge(&counted(second));
        other.merge(&counted(first));
        prop_assert_eq!(&one, &counted(&moves));
        prop_assert_eq!(&one, &other);
        for segment in 1..4 {
            let before: u64 = one.moves().filter(|&(from, ..)| from == Some(segment)).map(|(.., n)| n).sum();
            let stayed = one.customers(Some(segment), Some(segment));
            prop_assert_eq!(one.left(segment) + stayed, before);
            prop_assert_eq!(one.stayed(segment).is_none(), before == 0);
        }
    }

    #[test]
    fn better_customers_never_score_worse(rows in rows()) {
        let scores = scores_of(&rows);
        for (a, x) in rows.iter().zip(&scores) {
            for (b, y) in rows.iter().zip(&scores) {
                prop_assert!(a.recency_days() > b.recency_days() || x.recency() >= y.recency());
                prop_assert!(a.purchases() < b.purchases() || x.frequency() >= y.frequency());
                prop_assert!(a.spend_minor() < b.spend_minor() || x.monetary() >= y.monetary());
            }
        }
    }

    #[test]
    fn breaks_and_scores_survive_serde(rows in rows()) {
        let breaks = breaks_of(&rows);
        let json = serde_json::to_string(&breaks).unwrap();
        prop_assert_eq!(serde_json::from_str::<RfmBreaks>(&json).unwrap(), breaks);
        let json = serde_json::to_string(&rows).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<RfmRow>>(&json).unwrap(), rows);
    }
}

#[test]
fn all_the_same_and_only_one_are_defined() {
    let row = RfmRow::new(7, 3, 10_00).unwrap();
    for count in [1, 2, 9] {
        for score in scores_of(&vec![row; count]) {
            assert_eq!(score.to_string(), "511");
        }
    }
}

#[test]
fn nobody_has_no_break_points() {
    let nobody = RfmColumns::new(&[], &[], &[]).unwrap();
    let refused = RfmError::TooFew { need: 1, have: 0 };
    assert!(nobody.is_empty());
    assert_eq!(RfmBreaks::from_columns(nobody, &mut Vec::new()), Err(refused));
    assert_eq!(RfmBreaks::from_rows(&[], &mut Vec::new()), Err(refused));
    let mut scores = RfmScoreColumns::default();
    breaks_of(&[RfmRow::new(1, 1, 1).unwrap()]).score_into(nobody, &mut scores);
    assert!(scores.is_empty());
}

#[test]
fn the_largest_numbers_are_scored() {
    let rows = [
        RfmRow::new(i32::MAX, 0, i64::MIN).unwrap(),
        RfmRow::new(0, u32::MAX, i64::MAX).unwrap(),
        RfmRow::new(1, 1, 0).unwrap(),
    ];
    let scores: Vec<_> = scores_of(&rows).iter().map(ToString::to_string).collect();
    assert_eq!(scores, ["111", "555", "333"]);
}

#[test]
fn errors_say_where() {
    let refused = RfmColumns::new(&[1, 2], &[1, 2], &[1]).unwrap_err();
    assert_eq!(refused.to_string(), "column `spend_minor` holds 1 rows where the first one holds 2");
    let refused = RfmColumns::new(&[1, -2, -3], &[1; 3], &[1; 3]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "row 1: `recency_days` must not be negative (a purchase lies in the future), got -2"
    );
    let refused = RfmBreaks::new([1, 2, 3, 4], [1, 2, 1, 4], [0; 4]).unwrap_err();
    assert_eq!(refused.to_string(), "break points of `purchases` must not descend, but number 3 does");
    let stored = r#"{"recency_days":[1,2,3,4],"purchases":[1,2,3,4],"spend_minor":[1,2,3,0]}"#;
    assert!(serde_json::from_str::<RfmBreaks>(stored).is_err());
    assert!(serde_json::from_str::<RfmBreaks>(&stored.replace("3,0", "3,3")).is_ok());
    assert!(serde_json::from_str::<RfmRow>(r#"{"recency_days":-1,"purchases":1,"spend_minor":1}"#).is_err());
}

#[test]
fn scores_are_three_digits_and_nothing_else() {
    for wrong in ["", "55", "5555", "056", "560", "5a5", "+55", "５５５"] {
        assert!(wrong.parse::<RfmScore>().is_err(), "{wrong}");
        assert!(serde_json::from_str::<RfmScore>(&format!("\"{wrong}\"")).is_err(), "{wrong}");
    }
    for (recency, frequency, monetary) in [(0, 1, 1), (1, 6, 1), (1, 1, 255)] {
        assert!(RfmScore::new(recency, frequency, monetary).is_err());
    }
    let all: Vec<_> = RfmScore::all().collect();
    assert_eq!(all.len(), 125);
    assert!(all.iter().enumerate().all(|(place, score)| score.place() == place));
    assert_eq!(serde_json::to_string(&all[124]).unwrap(), "\"555\"");
}

fn rule(segment: &str, r: (u8, u8), f: (u8, u8), m: (u8, u8)) -> SegmentRule<&str> {
    SegmentRule::new(segment, r.0..=r.1, f.0..=f.1).unwrap().with_monetary(m.0..=m.1).unwrap()
}

#[test]
fn the_default_map_is_total_and_reaches_every_segment() {
    let map = SegmentMap::default();
    assert_eq!(SegmentMap::new(map.rules()), Ok(map.clone()));
    let mut cells = [0; 11];
    for score in RfmScore::all().filter(|score| score.monetary() == 1) {
        let segment = map.segment(score);
        cells[RfmSegment::ALL.iter().position(|&known| known == segment).unwrap()] += 1;
        assert!(RfmScore::all().all(|other| {
            (other.recency(), other.frequency()) != (score.recency(), score.frequency())
                || map.segment(other) == segment
        }));
    }
    // In the order of `RfmSegment::ALL`, of 25 pairs of recency and frequency.
    assert_eq!(cells, [2, 4, 4, 1, 1, 1, 2, 2, 4, 3, 1]);
    let json = serde_json::to_string(&map).unwrap();
    assert_eq!(serde_json::from_str::<SegmentMap>(&json).unwrap(), map);
    assert!(serde_json::from_str::<SegmentMap>("[]").is_err());
}

#[test]
fn published_maps_with_gaps_and_shadows_are_refused() {
    // The maps of the R package `rfm` 0.3.0: that of its tests, and that of its vignette. The counts were made by a
    // separate script over all 125 scores.
    let (low, high) = ((1, 2), (4, 5));
    let tests = [
        rule("champions", high, high, high),
        rule("loyal", (2, 5), (3, 5), (3, 5)),
        rule("potential", (3, 5), (1, 3), (1, 3)),
        rule("new", high, (1, 1), (1, 1)),
        rule("promising", (3, 4), (1, 1), (1, 1)),
        rule("need attention", (2, 3), (2, 3), (2, 3)),
        rule("about to sleep", (2, 3), low, low),
        rule("at risk", low, (2, 5), (2, 5)),
        rule("can't lose", (1, 1), high, high),
        rule("lost", low, low, low),
    ];
    let refused = SegmentMap::new(&tests).unwrap_err();
    assert_eq!((refused.uncovered().len(), refused.overlapping().len()), (36, 39));
    assert_eq!(refused.unreachable(), [3, 4, 8]);
    assert!(refused.to_string().ends_with("; 3 unreachable rules: 3, 4, 8"), "{refused}");

    let vignette = [
        rule("champions", (5, 5), (5, 5), (5, 5)),
        rule("potential", (3, 5), (3, 5), (2, 5)),
        rule("loyal", (2, 4), (2, 4), (2, 4)),
        rule("promising", (3, 4), (1, 3), (3, 5)),
        rule("new", high, (1, 3), (1, 5)),
        rule("can't lose", low, (3, 4), high),
        rule("at risk", low, (2, 5), high),
        rule("need attention", (1, 3), (3, 5), (3, 5)),
        rule("about to sleep", (2, 3), (1, 3), (1, 4)),
        rule("lost", (1, 1), (1, 5), (1, 5)),
    ];
    let refused = SegmentMap::new(&vignette).unwrap_err();
    assert_eq!((refused.uncovered().len(), refused.overlapping().len()), (10, 58));
    assert!(refused.unreachable().is_empty());
}

#[test]
fn segments_of_your_own_need_only_copy() {
    let map =
        SegmentMap::new(&[rule("spenders", (1, 5), (1, 5), (4, 5)), rule("others", (1, 5), (1, 5), (1, 3))])
            .unwrap();
    assert_eq!(map.segment("114".parse().unwrap()), "spenders");
    assert_eq!(map.segment("553".parse().unwrap()), "others");
    let refused = SegmentMap::<RfmSegment>::new(&[]).unwrap_err();
    assert_eq!(refused.uncovered().len(), 125);
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "empty ranges are what is refused")]
fn rules_stay_within_the_scale() {
    for range in [0..=5, 1..=6, 4..=3, 6..=6, 0..=0] {
        assert!(SegmentRule::new(1, range.clone(), 1..=5).is_err(), "{range:?}");
        assert!(SegmentRule::new(1, 1..=5, range.clone()).is_err(), "{range:?}");
        assert!(
            SegmentRule::new(1, 1..=5, 1..=5).unwrap().with_monetary(range.clone()).is_err(),
            "{range:?}"
        );
    }
    let text = r#"{"segment":"new","recency":[5,5]}"#;
    let read: SegmentRule = serde_json::from_str(text).unwrap();
    assert_eq!(read, SegmentRule::new(RfmSegment::New, 5..=5, 1..=5).unwrap());
    assert!(serde_json::from_str::<SegmentRule>(&text.replace("[5,5]", "[5,6]")).is_err());
}

#[test]
fn a_history_is_seen_from_a_day() {
    let day = |number| NaiveDate::from_epoch_days(number).unwrap();
    let history = |days: &[(i32, i64)]| {
        let mut history = PurchaseHistory::new(Currency::EUR);
        for &(number, minor) in days {
            history.push_on(day(number), Money::new(minor, Currency::EUR)).unwrap();
        }
        history
    };
    let seen = |days: &[(i32, i64)], as_of| RfmRow::from_history(&history(days), day(as_of));

    assert_eq!(seen(&[], 10), Ok(None));
    assert_eq!(seen(&[(3, -5)], 10), Ok(None));
    assert_eq!(seen(&[(10, 5)], 10), Ok(Some(RfmRow::new(0, 1, 5).unwrap())));
    // A return on a day of its own is no purchase; one on the day of a purchase does not undo it.
    assert_eq!(
        seen(&[(1, 5), (1, 5), (4, 9), (4, -20), (8, -3)], 10),
        Ok(Some(RfmRow::new(6, 2, -4).unwrap()))
    );
    let refused = seen(&[(1, 5), (11, -1)], 10).unwrap_err();
    assert_eq!((refused.field(), refused.value()), ("recency_days", Some("-1")));

    let json = r#"{"currency":"EUR","days":[{"day":-2147483648,"purchases":1,"spend_minor":1}]}"#;
    let ancient: PurchaseHistory = serde_json::from_str(json).unwrap();
    assert!(RfmRow::from_history(&ancient, day(10)).is_err());
}

#[test]
fn most_who_bought_once_leave_frequencies_empty() {
    let rows: Vec<_> = (0..10).map(|i| RfmRow::new(1, if i < 7 { 1 } else { i }, 1).unwrap()).collect();
    let found: std::collections::BTreeSet<_> =
        scores_of(&rows).iter().map(|score| score.frequency()).collect();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [1, 4, 5]);
}

#[test]
fn definitions_refuse_by_line() {
    let line = |day, amount_minor| RfmLine { invoice: 1, day, amount_minor };
    let as_of = NaiveDate::from_epoch_days(30).unwrap();
    let strict = RfmDefinition { returns: RfmReturns::Refuse, ..RfmDefinition::default() };
    let refused = strict.row([line(1, 5), line(2, -7)], as_of).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "rfm_line.amount_minor: must not be negative: returns are refused, got `line 1 of -7`"
    );
    let refused = strict.row([line(1, 5), line(31, 7)], as_of).unwrap_err();
    assert_eq!(refused.to_string(), "rfm_line.day: must not be after `as_of`, got `line 1 of day 31`");
    let huge = [line(1, i64::MAX), line(1, i64::MAX)];
    assert_eq!(strict.row(huge, as_of).unwrap_err().field(), "rfm_row.spend_minor");
    assert!(strict.row([line(i32::MIN, 1)], as_of).is_err());
    assert_eq!(strict.row([], as_of), Ok(None));
    assert_eq!(RfmDefinition::default().row([line(1, -5)], as_of), Ok(None));
    let read: RfmDefinition = serde_json::from_str(r#"{"monetary":"average"}"#).unwrap();
    assert_eq!(read, RfmDefinition { monetary: RfmMonetary::Average, ..RfmDefinition::default() });
    assert!(serde_json::from_str::<RfmDefinition>(r#"{"monetary":"median"}"#).is_err());
    assert!(serde_json::from_str::<RfmDefinition>(r#"{"monetery":"average"}"#).is_err());
}

#[test]
fn gates_and_ranks_say_what_is_missing() {
    let gate = RfmGate { customers: 1, ..RfmGate::default() };
    let days = [40, 31];
    let columns = RfmColumns::new(&days, &[1; 2], &[1; 2]).unwrap();
    assert_eq!(gate.check(columns, 179), Err(RfmError::ShortHistory { need: 180, have: 179 }));
    assert_eq!(gate.check(columns, 180), Err(RfmError::NothingRecent { within: 30, last: 31 }));
    assert_eq!(RfmGate { recent_days: 31, ..gate }.check(columns, 180), Ok(()));
    let mut scores = RfmScoreColumns::default();
    let refused = RankGroups::Ntile.score_into(columns, &["a", "a"], &mut scores);
    assert_eq!(refused, Err(RfmError::EqualTieKeys { first: 0, second: 1 }));
    let refused = RankGroups::Ntile.score_into(columns, &["a"], &mut scores);
    assert_eq!(refused, Err(RfmError::ColumnLength { column: "tie_key", expected: 2, found: 1 }));
    // SQL: NTILE(5) of seven rows is 1 1 2 2 3 4 5.
    let spend: Vec<i64> = (0..7).collect();
    let columns = RfmColumns::new(&[0; 7], &[1; 7], &spend).unwrap();
    RankGroups::Ntile.score_into(columns, &[0, 1, 2, 3, 4, 5, 6], &mut scores).unwrap();
    assert_eq!(scores.monetary(), [1, 1, 2, 2, 3, 4, 5]);
    assert!(SegmentStability::bootstrap(&[], &SegmentMap::default(), 9, 1).is_err());
    let one = [RfmRow::new(1, 1, 1).unwrap()];
    assert!(SegmentStability::bootstrap(&one, &SegmentMap::default(), 0, 1).is_err());
}
