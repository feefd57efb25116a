use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #[test]
    fn scores_are_those_of_the_formula_by_either_door_in_any_order(
        (rows, mixed) in prop::collection::vec((0_u32..6, 0_u32..7, 0_i32..200), 0..60)
            .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let needs = |rows: &[(u32, u32, i32)]| {
            let customers: Vec<u32> = rows.iter().map(|row| row.0).collect();
            let items: Vec<u32> = rows.iter().map(|row| row.1).collect();
            let days: Vec<i32> = rows.iter().map(|row| row.2).collect();
            Needs::from_columns(&customers, &items, &days, 150, 30.0).unwrap()
        };
        let learnt = needs(&rows);
        prop_assert_eq!(&learnt, &needs(&mixed));
        let mut known: Vec<_> = rows.iter().filter(|row| row.2 <= 150).collect();
        known.sort_unstable();
        known.dedup();
        let has = |customer, item| known.iter().any(|row| row.0 == customer && row.1 == item);
        let all = learnt.cross_sell_in_blocks(10);
        prop_assert_eq!(&all, &learnt.cross_sell_all(10));
        for (customer, by_all) in (0_u32..).zip(&all) {
            let alone = learnt.cross_sell(customer, 10);
            prop_assert_eq!(&alone, by_all);
            for item in 0..7 {
                let mut score = 0.0;
                for row in known.iter().filter(|row| row.0 == customer) {
                    let count = |either: bool| (0..6).filter(|&c| if either { has(c, row.1) || has(c, item) } else { has(c, row.1) && has(c, item) }).map(|_| 1.0).sum::<f64>();
                    score += (f64::from(row.2 - 150) / 30.0).exp2() * count(false) / count(true);
                }
                let found = alone.iter().find(|suggestion| suggestion.item == item);
                prop_assert_eq!(found.is_some(), score > 0.0 && !has(customer, item));
                if let Some(found) = found {
                    prop_assert!((found.score - score).abs() < 1e-12 * score, "{} {}", found.score, score);
                    prop_assert!(has(customer, found.because[0].item));
                }
            }
            prop_assert!(alone.is_sorted_by(|one, other| one.score >= other.score));
            let few = learnt.cross_sell(customer, 2);
            prop_assert_eq!(&few[..], &alone[..few.len()]);
        }
    }
}

/// What the formula says, item by item and with everything sorted; sums go through the customer's items in their order.
fn by_hand(rows: &[(u32, u32, i32)], customer: u32, at_most: usize) -> Vec<Suggestion> {
    let known: BTreeSet<(u32, u32, i32)> = rows.iter().copied().filter(|row| row.2 <= 150).collect();
    let buyers =
        |item: u32| -> BTreeSet<u32> { known.iter().filter(|row| row.1 == item).map(|row| row.0).collect() };
    let own: BTreeSet<u32> = known.iter().filter(|row| row.0 == customer).map(|row| row.1).collect();
    let affinity = |item: u32| {
        let days = known.iter().filter(|row| (row.0, row.1) == (customer, item));
        days.map(|row| libm::exp2(-(150.0 - f64::from(row.2)) / 30.0)).sum::<f64>()
    };
    let items: BTreeSet<u32> = known.iter().map(|row| row.1).collect();
    let mut ranked = Vec::new();
    for item in items.difference(&own).copied() {
        let theirs = buyers(item);
        let count = |set: usize| f64::from(u32::try_from(set).unwrap());
        let part = |own: u32| {
            let ours = buyers(own);
            affinity(own) * (count(ours.intersection(&theirs).count()) / count(ours.union(&theirs).count()))
        };
        let mut because: Vec<BecauseBought> =
            own.iter().map(|&item| BecauseBought { item, score: part(item) }).collect();
        let score = because.iter().map(|because| because.score).sum();
        because.retain(|because| because.score > 0.0);
        because.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.item.cmp(&other.item)));
        because.truncate(3);
        if score > 0.0 {
            ranked.push(Suggestion { item, score, because });
        }
    }
    ranked.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.item.cmp(&other.item)));
    ranked.truncate(at_most);
    ranked
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    /// More items than are held at a time, and days and baskets so alike that many scores are equal.
    #[test]
    fn the_quick_way_is_the_slow_way_to_the_last_bit(
        rows in prop::collection::vec((0_u32..9, 0_u32..150, prop::sample::select(vec![100, 130, 150, 160])), 0..260),
        twins in 0_u32..40,
        at_most in prop::sample::select(vec![0, 1, 2, 5, 10, usize::MAX]),
    ) {
        let twin = |&(customer, item, day): &(u32, u32, i32)| (item < twins).then_some((customer, 149 - item, day));
        let rows: Vec<_> = rows.iter().copied().chain(rows.iter().filter_map(twin)).collect();
        let customers: Vec<u32> = rows.iter().map(|row| row.0).collect();
        let items: Vec<u32> = rows.iter().map(|row| row.1).collect();
        let days: Vec<i32> = rows.iter().map(|row| row.2).collect();
        let needs = Needs::from_columns(&customers, &items, &days, 150, 30.0).unwrap();
        let blocks = needs.cross_sell_in_blocks(at_most);
        let mut table = ScoreTable::new(needs.item_groups.len());
        for (customer, blocks) in (0..).zip(&blocks) {
            let slow = by_hand(&rows, customer, at_most);
            prop_assert_eq!(blocks, &slow);
            prop_assert_eq!(&needs.cross_sell_with(&mut table, customer, at_most), &slow);
        }
    }
}

#[test]
fn refuses_what_makes_no_table() {
    let learn = |customers: &[u32], items: &[u32], half_life| {
        Needs::from_columns(customers, items, &[0], 0, half_life)
    };
    assert!(matches!(learn(&[0, 1], &[0], 1.0), Err(OutreachError::ColumnLength { column: "items", .. })));
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(learn(&[0], &[0], wrong), Err(OutreachError::HalfLife { .. })), "{wrong}");
    }
    let far = learn(&[0], &[u32::MAX], 1.0).unwrap_err();
    assert_eq!(far.to_string(), "row 0: `item` must be below 67108864, got 4294967295");
    let nothing = Needs::from_columns(&[], &[], &[], 0, 1.0).unwrap();
    assert!(nothing.buy_again(0, 3).is_empty() && nothing.cross_sell(0, 3).is_empty());
    assert_eq!(nothing.likeness(0, 1), None);
    assert!(nothing.cross_sell_all(3).is_empty() && nothing.cross_sell_in_blocks(3).is_empty());
}
