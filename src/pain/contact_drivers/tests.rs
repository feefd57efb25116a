use super::*;
use crate::customer::CustomerId;
use crate::interaction::{Direction, Interaction, InteractionBuilder, InteractionId, Outcome};
use std::time::Duration;

const DAY: i64 = 86_400;
const TODAY: i64 = 1000;

fn contact(at: i64, change: impl FnOnce(InteractionBuilder) -> InteractionBuilder) -> Contact {
    let id = InteractionId::derive(&["test", &at.to_string()]);
    let at = DateTime::from_timestamp(at, 0).unwrap();
    Contact::new(&change(Interaction::builder(id, CustomerId::derive(&["test"]), at)).build().unwrap(), None)
}

fn drivers(of: &[ContactDriver]) -> ContactDrivers {
    ContactDrivers::new(Rules::default(), DateTime::from_timestamp(TODAY * DAY, 0).unwrap(), of).unwrap()
}

fn row(table: &DriverTable, outcome: &[bool]) -> Vec<f64> {
    // Every row of these tests is complete.
    table.complete(outcome).unwrap().columns.iter().map(|column| column[0]).collect()
}

#[test]
fn a_row_is_about_the_first_contact_that_the_customer_made() {
    let mut all = drivers(&[
        ContactDriver::WaitMinutes,
        ContactDriver::Transfers,
        ContactDriver::RepeatContact,
        ContactDriver::BackAndForth,
        ContactDriver::DeadEnd,
        ContactDriver::Abandoned,
        ContactDriver::Complaint,
        ContactDriver::Unanswered,
        ContactDriver::Loop,
    ]);
    let invoice = Tag::literal("invoice");
    let contacts = [
        contact(9 * DAY, |call| call.direction(Direction::Outbound).outcome(Outcome::Abandoned)),
        contact(10 * DAY, |call| {
            call.reason(invoice).outcome(Outcome::Complaint).wait(Duration::from_secs(90)).transfers(2)
        }),
        contact(11 * DAY, |call| call.reason(invoice).outcome(Outcome::Resolved)),
        contact(12 * DAY, |call| call.reason(invoice).outcome(Outcome::Abandoned)),
    ];
    all.push(&Experience::new(&contacts, &[5, 40]).unwrap(), Some(3.0)).unwrap();
    assert_eq!(all.came_back(), [true]);
    assert_eq!(all.satisfaction(), [3.0]);
    let expected = [1.5, 2.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    assert_eq!(row(all.retention(), all.came_back()), expected);
    assert_eq!(all.retention(), all.rated());
}

#[test]
fn what_is_not_known_is_missing_and_what_is_too_young_is_counted() {
    let of = [
        ContactDriver::WaitMinutes,
        ContactDriver::RepeatContact,
        ContactDriver::DeadEnd,
        ContactDriver::Abandoned,
        ContactDriver::Ease,
        ContactDriver::Sentiment,
    ];
    let mut all = drivers(&of);
    let push = |all: &mut ContactDrivers, contacts: &[Contact], satisfaction| {
        all.push(&Experience::new(contacts, &[]).unwrap(), satisfaction).unwrap();
    };
    push(&mut all, &[contact(10 * DAY, |call| call)], None);
    assert_eq!(all.retention().missing(), [1; 6]);
    assert_eq!((all.came_back(), all.rated().rows()), ([false].as_slice(), 0));

    // Thirty days ago: its symptoms are known, and whether the customer comes back is not.
    push(&mut all, &[contact((TODAY - 30) * DAY, |call| call)], Some(4.0));
    // Yesterday nothing is known, and of the future nothing at all.
    push(&mut all, &[contact((TODAY - 1) * DAY, |call| call)], Some(4.0));
    push(&mut all, &[contact((TODAY + 1) * DAY, |call| call)], Some(4.0));
    push(&mut all, &[], None);
    assert_eq!((all.customers(), all.too_young(), all.without_contact()), (5, 2, 2));
    assert_eq!((all.retention().rows(), all.rated().rows(), all.satisfaction()), (1, 1, [4.0].as_slice()));

    let refused = all.push(&Experience::new(&[], &[]).unwrap(), Some(f64::NAN)).unwrap_err();
    assert!(matches!(refused, PainError::OutcomeValue { row: 1, .. }));
    assert_eq!(all.customers(), 5, "nothing is half added");
}

#[test]
fn columns_and_shards_are_as_one_customer_at_a_time() {
    let of = [ContactDriver::Transfers, ContactDriver::WaitMinutes];
    let contacts: Vec<Contact> = (0..9_u16)
        .map(|number| contact(DAY * i64::from(10 + number), |call| call.transfers(number)))
        .collect();
    // Three customers with 4, 0 and 5 contacts, and 2, 0 and 1 purchases.
    let columns = PainColumns::new(&contacts, &[0, 4, 4, 9], &[5, 12, 7], &[0, 2, 2, 3]).unwrap();
    let answers = [Some(4.0), None, Some(2.0)];
    let (mut one, mut all, mut shard) = (drivers(&of), drivers(&of), drivers(&of));
    for (place, (experience, answer)) in columns.rows().zip(answers).enumerate() {
        one.push(&experience, answer).unwrap();
        if place == 0 { &mut all } else { &mut shard }.push(&experience, answer).unwrap();
    }
    all.merge(&shard).unwrap();
    let mut by_columns = drivers(&of);
    by_columns.push_columns(&columns, &answers).unwrap();
    for other in [all, by_columns] {
        assert_eq!((other.retention(), other.came_back()), (one.retention(), [true, false].as_slice()));
        assert_eq!((other.rated(), other.satisfaction()), (one.rated(), [4.0, 2.0].as_slice()));
        assert_eq!((other.customers(), other.without_contact(), other.too_young()), (3, 1, 0));
    }

    let refused = one.push_columns(&columns, &answers[1..]).unwrap_err();
    assert_eq!(refused, PainError::ColumnLength { column: "satisfaction", expected: 3, found: 2 });
    let refused = one.push_columns(&columns, &[None, None, Some(f64::INFINITY)]).unwrap_err();
    assert!(matches!(refused, PainError::Customer { customer: 2, .. }));
    assert_eq!(one.merge(&drivers(&of[..1])), Err(PainError::DifferentMaps { part: "drivers" }));
    assert_eq!(one.customers(), 3, "nothing is half added");
}

#[test]
fn satisfaction_has_its_drivers() {
    let mut all = drivers(&[ContactDriver::Transfers, ContactDriver::WaitMinutes]);
    for number in 0..120_i64 {
        let (transfers, wait) = (number % 3, number * 7 % 11);
        let call = contact(10 * DAY + number, |call| {
            call.transfers(u16::try_from(transfers).unwrap())
                .wait(Duration::from_secs(60 * u64::try_from(wait).unwrap()))
        });
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let satisfaction = (9 - 2 * transfers) as f64 - 0.1 * wait as f64;
        all.push(&Experience::new(&[call], &[]).unwrap(), Some(satisfaction)).unwrap();
    }
    let found = all.drivers_of_satisfaction(Decomposition::Lmg, &DriverOptions::default()).unwrap();
    let [transfers, wait] = found.drivers() else { panic!("two drivers") };
    assert!((transfers.coefficient().value() + 2.0).abs() < 1e-12);
    assert!((wait.coefficient().value() + 0.1).abs() < 1e-12);
    assert!(transfers.importance().value() > 0.9 && (found.r_squared() - 1.0).abs() < 1e-12);
    assert_eq!(all.odds_of_coming_back(&DriverOptions::default()), Err(PainError::ConstantOutcome));
}
