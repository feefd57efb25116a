use super::*;
use crate::customer::CustomerId;
use crate::interaction::InteractionId;
use crate::purchase::PurchaseId;
use crate::value::{
    BgNbd, Buyers, Discount, GammaGamma, Horizon, LifetimeValue, PurchaseModel, RepeatSpends,
};
use chrono::DateTime;
use proptest::prelude::*;

fn purchase(minor: i64, cost: Option<i64>, currency: Currency) -> Purchase {
    let (id, customer) = (PurchaseId::derive(&["shop", "1"]), CustomerId::derive(&["shop", "1"]));
    let amount = Money::new(minor, currency);
    let purchase = Purchase::new(id, customer, DateTime::UNIX_EPOCH, amount).unwrap();
    cost.map_or(purchase, |cost| purchase.with_cost(Money::new(cost, currency)).unwrap())
}

fn interaction(cost: Option<i64>) -> Interaction {
    let (id, customer) = (InteractionId::derive(&["pbx", "1"]), CustomerId::derive(&["shop", "1"]));
    let built = Interaction::builder(id, customer, DateTime::UNIX_EPOCH);
    let built = cost.map_or(built.clone(), |cost| built.cost(Money::new(cost, Currency::EUR)));
    built.build().unwrap()
}

#[test]
fn what_a_customer_brought_by_hand() {
    let mut found = Profitability::new(Currency::EUR);
    assert_eq!(found.cost_to_serve(), None);
    for (minor, cost) in [(10_000, Some(6_000)), (5_000, None), (-1_000, None), (-2_000, Some(-1_200))] {
        found.push_purchase(&purchase(minor, cost, Currency::EUR)).unwrap();
    }
    for cost in [Some(700), None, Some(300)] {
        found.push_interaction(&interaction(cost)).unwrap();
    }
    let quarter = Share::new(0.25).unwrap();
    // 4,000 of the first, a quarter of 4,000, less the 800 that the return of the last took off.
    assert_eq!(found.margin(quarter), Ok(Money::new(4_200, Currency::EUR)));
    assert_eq!(found.profit(quarter), Ok(Money::new(3_200, Currency::EUR)));
    assert_eq!((found.revenue().minor(), found.cost_of_interactions().minor()), (12_000, 1_000));
    assert_eq!((found.purchases(), found.returns(), found.purchases_without_cost()), (2, 2, 2));
    assert_eq!((found.interactions(), found.interactions_without_cost()), (3, 1));
    assert_eq!(found.cost_to_serve(), CostToServe::new(500.0).ok());
}

#[test]
fn what_does_not_belong_changes_nothing() {
    let mut found = Profitability::new(Currency::EUR);
    found.push_purchase(&purchase(100, None, Currency::EUR)).unwrap();
    let before = found;
    assert!(matches!(
        found.push_purchase(&purchase(100, None, Currency::USD)),
        Err(MoneyError::CurrencyMismatch { .. })
    ));
    assert!(matches!(
        found.push_purchase(&purchase(i64::MAX, None, Currency::EUR)),
        Err(MoneyError::Overflow { .. })
    ));
    let mut dollars = Profitability::new(Currency::USD);
    assert!(dollars.push_interaction(&interaction(Some(1))).is_err());
    assert_eq!(dollars, Profitability::new(Currency::USD));
    assert!(matches!(found.merge(&dollars), Err(MoneyError::CurrencyMismatch { .. })));
    assert_eq!(found, before);
    for cost in [-0.01, f64::NAN, f64::INFINITY, 1e31] {
        assert!(CostToServe::new(cost).is_err());
    }
}

#[test]
fn profit_to_come_is_the_value_less_the_cost_through_every_door() {
    let purchases = BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap();
    let spend = GammaGamma::new(6.25, 3.74, 1544.0).unwrap();
    let (weeks, discount) = (Horizon::new(39.0).unwrap(), Discount::try_from(0.002).unwrap());
    let value = LifetimeValue::new(&purchases, &spend, weeks, discount, Share::new(0.3).unwrap());
    let buyers = Buyers::new(&[2, 0, 7], &[30.43, 0.0, 29.43], &[38.86; 3]).unwrap();
    let spends = RepeatSpends::new(&[2, 0, 7], &[2235.0, 0.0, 700.0]).unwrap();
    let costs = [0.0, 250.0, 900.0].map(|cost| CostToServe::new(cost).unwrap());
    let rows =
        || buyers.iter().zip(spends.iter()).zip(costs).map(|((buyer, spend), cost)| (buyer, spend, cost));
    let mut out = [0.0; 3];
    value.profit_into(buyers, spends, &costs, &mut out).unwrap();
    assert_eq!(value.profit_each(rows()).collect::<Vec<_>>(), out);
    for ((buyer, spend, cost), profit) in rows().zip(out) {
        let expected = value.value(buyer, spend)
            - cost.per_purchase() * purchases.discounted_purchases(buyer, weeks, discount);
        assert!((profit - expected).abs() < 1e-10 * expected.abs(), "{profit} {expected}");
    }
    assert!(out[2] < 0.0 && out[0] > 0.0, "{out:?}");
    let sum = value.value_each(buyers.iter().zip(spends.iter())).sum::<f64>();
    assert!((value.customer_equity(buyers, spends).unwrap() - sum).abs() < 1e-9);
    assert!(value.profit_into(buyers, spends, &costs[1..], &mut out).is_err());
    assert!(value.profit_into(buyers, spends, &costs, &mut out[1..]).is_err());
}

proptest! {
    #[test]
    fn parts_come_to_the_same(
        bought in prop::collection::vec((-9_999_i64..99_999, prop::option::of(-9_999_i64..99_999)), 0..12),
        called in prop::collection::vec(prop::option::of(0_i64..9_999), 0..12),
        parts in 1_usize..4,
    ) {
        let mut all = Profitability::new(Currency::EUR);
        let mut shards = vec![all; parts];
        for (row, &(minor, cost)) in bought.iter().enumerate() {
            let purchase = purchase(minor, cost, Currency::EUR);
            all.push_purchase(&purchase).unwrap();
            shards[row % parts].push_purchase(&purchase).unwrap();
        }
        for (row, &cost) in called.iter().enumerate() {
            all.push_interaction(&interaction(cost)).unwrap();
            shards[row % parts].push_interaction(&interaction(cost)).unwrap();
        }
        let merged = shards.iter().rev().fold(Profitability::new(Currency::EUR), |mut sum, shard| {
            sum.merge(shard).unwrap();
            sum
        });
        prop_assert_eq!(merged, all);
    }
}
