//! What an interpreter of CEL takes for the rule of five conditions: prints nanoseconds for one customer and how many it
//! finds. The rule is compiled and the facts are given before the clock starts. Argument: a file of facts.

use cel::{Context, Program, Value};
use chrono::{DateTime, FixedOffset};
use cpu_time::ProcessTime;

const RULE: &str = "country == 'ch' && now - first_purchase >= duration('8760h') \
    && (purchases.filter(at, now - at <= duration('2160h')).size() >= 2 || (score >= 4 && score <= 5)) && allowed";
const TODAY: &str = "20000";
const ROUNDS: u32 = 20;

fn instant(day: &str) -> DateTime<FixedOffset> {
    let day: i64 = day.parse().expect("a day");
    DateTime::from_timestamp(day * 86_400, 0).expect("an instant").fixed_offset()
}

fn main() {
    let file = std::env::args().nth(1).expect("a file");
    let rows = std::fs::read_to_string(file).expect("facts");
    let customers: Vec<Context> = rows
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let [country, first, score, allowed, purchases @ ..] = &words[..] else { panic!("four facts") };
            let purchases: Vec<Value> = purchases.iter().map(|day| Value::Timestamp(instant(day))).collect();
            let mut facts = Context::default();
            facts.add_variable_from_value("now", instant(TODAY));
            facts.add_variable_from_value("country", country.to_string());
            facts.add_variable_from_value("first_purchase", instant(first));
            facts.add_variable_from_value("purchases", purchases);
            facts.add_variable_from_value("score", score.parse::<i64>().expect("a score"));
            facts.add_variable_from_value("allowed", *allowed == "true");
            facts
        })
        .collect();
    let rule = Program::compile(RULE).expect("a rule");
    let count = || customers.iter().filter(|facts| rule.execute(facts) == Ok(Value::Bool(true))).count();
    let found = count();
    let start = ProcessTime::now();
    for _ in 0..ROUNDS {
        assert_eq!(count(), found);
    }
    let nanoseconds = start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS) / customers.len() as f64;
    println!("{nanoseconds:.3} {found}");
}
