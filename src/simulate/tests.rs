use super::*;
use crate::period::Period;

fn span(weeks: i64) -> Period {
    let start: chrono::DateTime<chrono::Utc> = "2024-01-01T00:00:00Z".parse().unwrap();
    Period::new(start, start + chrono::TimeDelta::weeks(weeks)).unwrap()
}

#[test]
fn shows() {
    let t0 = std::time::Instant::now();
    let buyers = buyers(&BuyingTruth::cdnow(), 23_570, span(78), 1).unwrap();
    println!(
        "buyers {:?} purchases {}",
        t0.elapsed(),
        buyers.iter().map(|b| b.purchases().len()).sum::<usize>()
    );
    let facts: Vec<_> = buyers.iter().map(SimulatedBuyer::facts).collect();
    for mode in [Purchases::Simulated, Purchases::Given] {
        let t0 = std::time::Instant::now();
        let lives = interactions(&facts, &Company::default(), mode, 1).unwrap();
        println!("plan {:?}", t0.elapsed());
        let n: usize = lives.iter().map(|l| l.unwrap().interactions().len()).sum();
        println!("all {:?} {n}", t0.elapsed());
        for t in lives.truth().planted() {
            println!(
                "{} {} reached {} met {:?} not {:?} reach {:?} effect {:?} lost {:?} purchases {} {}",
                t.pain().kind,
                t.pain().stage,
                t.reached(),
                t.met(),
                t.not_met(),
                t.reach(),
                t.effect(),
                t.customers_lost(),
                t.purchases_lost(),
                t.is_attainable()
            );
        }
    }
}
