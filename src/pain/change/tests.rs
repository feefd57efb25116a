use super::super::tests::{as_of, empty, push_group};
use super::super::{PainMap, PointOptions, Rules};
use super::*;
use chrono::DateTime;

#[test]
fn two_periods_are_compared() {
    let map = |met: usize, back: usize, others_back: usize| {
        let mut map = empty();
        push_group(&mut map, 0..met, true, back);
        push_group(&mut map, met..1000, false, others_back);
        map
    };
    let options = PointOptions::default();
    let (before, same, worse) = (map(200, 80, 400), map(210, 80, 390), map(400, 160, 300));
    let trends = |later: &PainMap, earlier: &PainMap| {
        let changes = later.changes(earlier, &options).unwrap();
        assert_eq!((changes.all().len(), changes.tests()), (1, 2));
        let change = changes.all()[0];
        let trend = |finding: &Finding<Change>| finding.found().unwrap().trend();
        (trend(change.reach()), trend(change.effect()), change.to_string())
    };
    assert_eq!(trends(&same, &before).0, Trend::NoEvidence);
    assert_eq!(trends(&worse, &before).0, Trend::Worse);
    assert_eq!(trends(&before, &worse).0, Trend::Better);
    let deeper = map(200, 20, 400);
    let (reach, effect, text) = trends(&deeper, &before);
    assert_eq!((reach, effect), (Trend::NoEvidence, Trend::Worse));
    assert_eq!(text, "existing, self_service, lost: reach no_evidence, effect worse");

    let few = before.changes(&empty(), &options).unwrap();
    assert_eq!(few.all()[0].reach(), &Finding::TooFew { minimum: 30 });
    let rules = Rules::default().with_transfers(3).unwrap();
    let other = PainMap::new(rules, as_of(), Currency::EUR);
    assert_eq!(before.changes(&other, &options), Err(PainError::DifferentMaps { part: "rules" }));
    let other = PainMap::new(Rules::default(), DateTime::UNIX_EPOCH, Currency::USD);
    assert_eq!(before.changes(&other, &options), Err(PainError::DifferentMaps { part: "currency" }));
}
