use super::*;
use crate::case::{CallBack, CallBackChange, CallBackId, Case, CaseChange, CaseEvent, CaseId, Severity};
use crate::consent::ConsentRecord;
use crate::customer::{Customer, CustomerKind, Identity};
use crate::desk::{RetryPolicy, Settings};
use crate::interaction::{Direction, InteractionId};
use crate::lifecycle::LifecycleHistory;
use crate::notification::{Job, JobState, Recipient};
use crate::notify::{DeliveryError, MemoryNotifier};
use crate::purchase::Purchase;
use crate::service::{EscalationRule, EscalationRules, EscalationTrigger, ServiceRules};
use crate::store::{Committed, MemoryStore};
use crate::tag::Tag;
use crate::task::{CatchUp, Reminder, Schedule, Task, TaskId};
use chrono::Utc;
use pollster::block_on;
use std::time::Duration;

const BILLING: Tag = Tag::literal("billing");

/// So many minutes after nine on a Monday.
fn at(minutes: i64) -> DateTime<Utc> {
    "2026-03-02T09:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

fn customer() -> CustomerId {
    CustomerId::derive(&["c"])
}

fn rules() -> ServiceRules {
    let rule = |name, trigger| EscalationRule { name, level: 1, to: Tag::literal("lead"), trigger };
    let repeat = EscalationTrigger::RepeatContact { contacts: 3, within_seconds: 86_400 };
    let bad = EscalationTrigger::Severity(Severity::Catastrophic);
    let escalations = [rule(Tag::literal("repeat"), repeat), rule(Tag::literal("bad"), bad)];
    ServiceRules::new(Tag::literal("team")).escalating(EscalationRules::new(escalations).unwrap())
}

fn desk_with(batch: usize, rules: ServiceRules) -> Desk<MemoryStore, MemoryNotifier> {
    let settings = Settings::default().claiming(batch, Duration::from_secs(30)).unwrap().serving(rules);
    Desk::new(MemoryStore::new(), MemoryNotifier::new(), settings)
}

fn changes(name: &str) -> ChangeSet {
    ChangeSet::new(IdempotencyKey::derive(&["test", name]), at(0), Tag::literal("test")).unwrap()
}

fn given() -> ChangeSet {
    changes("given").customer(Customer::new(customer(), CustomerKind::Person, at(0)).unwrap())
}

fn team() -> Recipient {
    Recipient::Staff(Tag::literal("team"))
}

fn reminder(name: &str, minutes: i64) -> Reminder {
    Reminder::once(ReminderId::derive(&[name]), at(minutes), team(), Tag::literal("call")).unwrap()
}

fn stranded(name: &str) -> Reminder {
    let zone = crate::zone::tests_zone("Mars/Olympus");
    let schedule = Schedule::new("FREQ=DAILY".parse().unwrap(), at(0).naive_utc(), zone).unwrap();
    Reminder::recurring(ReminderId::derive(&[name]), &schedule, team(), Tag::literal("call")).unwrap()
}

fn case(changes: &[CaseChange]) -> Case {
    let mut case = Case::open(CaseId::derive(&["1"]), customer(), BILLING, at(0)).unwrap();
    for change in changes {
        case.record(CaseEvent::new(at(0), change.clone())).unwrap();
    }
    case
}

fn called(n: u32, minutes: i64) -> Interaction {
    let id = InteractionId::derive(&[&n.to_string()]);
    Interaction::builder(id, customer(), at(minutes))
        .direction(Direction::Inbound)
        .reason(BILLING)
        .build()
        .unwrap()
}

fn told(desk: &Desk<impl Store, MemoryNotifier>) -> Vec<String> {
    let mut told: Vec<_> = desk.notifier().delivered().iter().map(|one| one.about().to_string()).collect();
    told.sort_unstable();
    told
}

#[test]
fn everything_that_is_due_is_done_once() {
    for batch in [1, 2, 100] {
        let desk = desk_with(batch, rules());
        let mut call = CallBack::offer(CallBackId::derive(&["1"]), customer(), BILLING, at(0), 1).unwrap();
        let slot = Period::new(at(60), at(90)).unwrap();
        call.record(at(0), CallBackChange::Accepted(slot)).unwrap();
        let set = given()
            .matter(Matter::new(reminder("a", 30)))
            .matter(Matter::new(case(&[CaseChange::Graded(Severity::Catastrophic)])))
            .matter(Matter::new(call));
        block_on(async {
            desk.record(&set).await.unwrap();
            let mut woken = 0;
            for minute in 0..600 {
                let done = desk.run_due(at(minute)).await.unwrap();
                assert_eq!((done.troubled, done.exhausted), (0, 0));
                woken += done.woken;
                assert_eq!(desk.run_due(at(minute)).await.unwrap().woken, 0, "all of it is done");
            }
            let expected = [
                "call",
                "call_back_due",
                "call_back_due",
                "call_back_given_up",
                "call_back_missed",
                "call_back_missed",
                "escalation",
            ];
            assert_eq!(told(&desk), expected);
            assert_eq!(woken, 2 + 5, "reminder, case, call-back: accepted, due, missed, due, given up");
            assert_eq!(desk.store().matters_waking(at(99_999), 9).await.unwrap(), []);
        });
    }
}

#[test]
fn a_third_contact_escalates_the_case() {
    let desk = desk_with(100, rules());
    block_on(async {
        desk.record(&given().matter(Matter::new(case(&[])))).await.unwrap();
        desk.record(&changes("calls").interaction(called(1, -60)).interaction(called(2, 5))).await.unwrap();
        assert_eq!(desk.run_due(at(10)).await.unwrap().delivered, 0);
        let id = MatterId::Case(CaseId::derive(&["1"]));
        let stored = desk.store().matters_by_id(&[id]).await.unwrap().remove(0);
        assert_eq!(stored.wake(), None);
        // Whoever records the contact changes the case, which wakes it.
        let MatterKind::Case(mut open) = stored.kind().clone() else { panic!("no case") };
        let third = called(3, 20);
        open.record(CaseEvent::contact(&third)).unwrap();
        let set = changes("third").matter(stored.changed(open)).interaction(third);
        desk.record(&set).await.unwrap();
        let done = desk.run_due(at(20)).await.unwrap();
        assert_eq!((done.woken, done.delivered), (1, 1));
        assert_eq!(told(&desk), ["escalation"]);
        assert_eq!(desk.run_due(at(21)).await.unwrap().delivered, 0);
    });
}

#[test]
fn one_bad_matter_delays_no_other_and_is_not_lost() {
    let desk = desk_with(2, rules());
    block_on(async {
        let mut set = given().matter(Matter::new(reminder("z", 0)));
        for name in ["a", "b", "c"] {
            set = set.matter(Matter::new(stranded(name)));
        }
        desk.record(&set).await.unwrap();
        let woken = desk.wake(at(0)).await.unwrap();
        assert_eq!((woken.looked_at, woken.told, woken.troubles.len()), (1, 1, 3));
        for trouble in &woken.troubles {
            let unknown = crate::service::ServiceError::UnknownZone { name: "Mars/Olympus".to_owned() };
            assert_eq!((&trouble.problem, trouble.until), (&unknown.into(), Some(at(5))));
        }
        assert_eq!(desk.wake(at(4)).await.unwrap(), Woken::default(), "they are left alone");
        let done = desk.run_due(at(5)).await.unwrap();
        assert_eq!((done.woken, done.troubled, done.delivered), (0, 3, 1));
        // Once somebody knows the zone, they fire: nothing was lost.
        let rules = rules().knowing(crate::zone::tests_zone("Mars/Olympus"));
        let Desk { store, notifier, settings } = desk;
        let desk = Desk::new(store, notifier, settings.serving(rules));
        assert_eq!(desk.run_due(at(10)).await.unwrap().delivered, 3);
    });
}

#[test]
fn of_two_workers_one_stores_what_it_saw() {
    let desk = desk_with(100, rules());
    block_on(async {
        let set = given().matter(Matter::new(reminder("a", 0))).matter(Matter::new(reminder("b", 0)));
        desk.record(&set).await.unwrap();
        let ids = desk.store().matters_waking(at(0), 9).await.unwrap();
        let read = desk.store().matters_by_id(&ids).await.unwrap();
        let see = |read: &[Matter], minutes| -> Vec<(Matter, Attention)> {
            let see = |one: &Matter| (one.clone(), attend(one, at(minutes), &[], &rules()).unwrap());
            read.iter().map(see).collect()
        };
        // The other worker, a minute later by its clock, stores one of them first.
        let (mine, yours) = (see(&read, 0), see(&read[..1], 1));
        let (mut woken, mut stuck) = (Woken::default(), BTreeSet::new());
        desk.store_seen(&yours, at(1), &mut woken, &mut stuck).await.unwrap();
        assert_eq!((woken.looked_at, woken.told, woken.overtaken), (1, 1, 0));
        desk.store_seen(&mine, at(0), &mut woken, &mut stuck).await.unwrap();
        assert_eq!((woken.looked_at, woken.told, woken.overtaken), (2, 2, 1));
        // A lost answer: the same again is no second time.
        desk.store_seen(&yours, at(1), &mut woken, &mut stuck).await.unwrap();
        assert_eq!((woken.overtaken, woken.troubles.len(), stuck.len()), (1, 0, 0));
        assert_eq!(desk.run_due(at(2)).await.unwrap().delivered, 2);
        assert_eq!(desk.store().jobs(None, 9).await.unwrap().len(), 2);
    });
}

#[test]
fn what_was_missed_follows_in_bounded_change_sets() {
    let desk = desk_with(100, rules());
    let schedule = Schedule::new("FREQ=DAILY;COUNT=250".parse().unwrap(), at(0).naive_utc(), Utc).unwrap();
    let daily =
        Reminder::recurring(ReminderId::derive(&["d"]), &schedule, team(), Tag::literal("call")).unwrap();
    block_on(async {
        desk.record(&given().matter(Matter::new(daily.catching_up(CatchUp::Each)))).await.unwrap();
        let woken = desk.wake(at(400 * 1440)).await.unwrap();
        assert_eq!((woken.looked_at, woken.told), (3, 250));
        let jobs = desk.store().jobs(None, 999).await.unwrap();
        let days: BTreeSet<_> = jobs.iter().map(|job| job.notification.due()).collect();
        assert_eq!((jobs.len(), days.len()), (250, 250));
    });
}

#[test]
fn a_cancelled_reminder_takes_back_what_is_not_delivered() {
    let hour = Duration::from_secs(3600);
    let settings = Settings::default().retrying(RetryPolicy::new(9, hour, hour).unwrap());
    let desk = Desk::new(MemoryStore::new(), MemoryNotifier::new(), settings);
    let timeout = DeliveryError::Transient { problem: Tag::literal("timeout"), retry_after: None };
    let id = ReminderId::derive(&["a"]);
    block_on(async {
        let unknown = desk.cancel_reminder(id, at(0)).await.unwrap_err();
        assert!(matches!(unknown, DeskError::Store(StoreError::Unknown { entity: Entity::Matter, .. })));
        let set = given().matter(Matter::new(reminder("a", 0))).matter(Matter::new(reminder("b", 0)));
        desk.record(&set).await.unwrap();
        desk.notifier().fail(Tag::literal("call"), Some(timeout));
        assert_eq!(desk.run_due(at(0)).await.unwrap().retried, 2);
        assert_eq!(desk.cancel_reminder(id, at(1)).await.unwrap(), 1);
        desk.notifier().fail(Tag::literal("call"), None);
        assert_eq!(desk.run_due(at(90)).await.unwrap().delivered, 1);
        // The other one was delivered: there is nothing to take back.
        let other = ReminderId::derive(&["b"]);
        assert_eq!(desk.cancel_reminder(other, at(91)).await.unwrap(), 0);
        let again = desk.cancel_reminder(other, at(92)).await.unwrap_err();
        assert!(matches!(again, DeskError::Reminder(_)));
        let mut states: Vec<_> =
            desk.store().jobs(None, 9).await.unwrap().iter().map(|job| job.state).collect();
        states.sort_by_key(|state| *state == JobState::Cancelled);
        assert_eq!(states, [JobState::Delivered, JobState::Cancelled]);
    });
}

#[test]
fn after_a_change_of_the_rules_everything_open_is_looked_at() {
    let desk = desk_with(1, ServiceRules::default());
    block_on(async {
        let bad = case(&[CaseChange::Graded(Severity::Catastrophic)]);
        let over = reminder("b", 0).cancel().unwrap();
        let set = given()
            .matter(Matter::new(bad))
            .matter(Matter::new(reminder("a", 500)))
            .matter(Matter::new(over));
        desk.record(&set).await.unwrap();
        assert_eq!(desk.run_due(at(0)).await.unwrap().woken, 1);
        let Desk { store, notifier, settings } = desk;
        let desk = Desk::new(store, notifier, settings.serving(rules()));
        assert_eq!(desk.run_due(at(1)).await.unwrap().woken, 0, "nobody looks by itself");
        assert_eq!(desk.wake_all(at(1)).await.unwrap(), 2);
        assert_eq!(desk.wake_all(at(1)).await.unwrap(), 0);
        let done = desk.run_due(at(1)).await.unwrap();
        assert_eq!((done.woken, done.delivered), (2, 1));
        assert_eq!(desk.run_due(at(500)).await.unwrap().delivered, 1, "the reminder keeps its time");
    });
}

#[test]
fn instants_beyond_the_calendar_are_refused() {
    let desk = desk_with(1, rules());
    for far in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
        assert!(matches!(block_on(desk.wake(far)), Err(DeskError::Validation(_))));
        assert!(block_on(desk.run_due(far)).is_err());
    }
}

/// A store that refuses every change of one matter, one that cannot read a matter, and one that knows of none.
#[derive(Default)]
struct Grumpy {
    inner: MemoryStore,
    refuses: Option<MatterId>,
    cannot_read: Option<MatterId>,
    blind: bool,
}

const UNREADABLE: StoreError = StoreError::Unusable { problem: "a row of matters cannot be read back" };

macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),+) -> $answer:ty;)+) => {
        $(async fn $method(&self, $($argument: $type),+) -> Result<$answer, StoreError> {
            self.inner.$method($($argument),+).await
        })+
    };
}

impl Store for Grumpy {
    async fn commit(&self, changes: &ChangeSet) -> Result<Committed, StoreError> {
        if changes.matters().iter().any(|one| Some(one.id()) == self.refuses && one.version() > 0) {
            return Err(StoreError::Unknown { entity: Entity::Customer, id: uuid::Uuid::nil() });
        }
        self.inner.commit(changes).await
    }

    async fn matters_waking(&self, now: DateTime<Utc>, limit: usize) -> Result<Vec<MatterId>, StoreError> {
        if self.blind { Err(UNREADABLE) } else { self.inner.matters_waking(now, limit).await }
    }

    async fn matters_by_id(&self, ids: &[MatterId]) -> Result<Vec<Matter>, StoreError> {
        if self.cannot_read.is_some_and(|id| ids.contains(&id)) {
            return Err(UNREADABLE);
        }
        self.inner.matters_by_id(ids).await
    }

    forward! {
        committed(key: IdempotencyKey) -> Option<Committed>;
        customers(after: Option<CustomerId>, limit: usize) -> Vec<Customer>;
        customers_by_id(ids: &[CustomerId]) -> Vec<Customer>;
        customer_by_identity(identity: &Identity) -> Option<CustomerId>;
        lifecycles(of: &[CustomerId]) -> Vec<(CustomerId, LifecycleHistory)>;
        consents(of: &[CustomerId]) -> Vec<ConsentRecord>;
        purchases(of: &[CustomerId], within: Period) -> Vec<Purchase>;
        interactions(of: &[CustomerId], within: Period) -> Vec<Interaction>;
        tasks(after: Option<TaskId>, limit: usize) -> Vec<Task>;
        tasks_by_id(ids: &[TaskId]) -> Vec<Task>;
        matters(after: Option<MatterId>, limit: usize) -> Vec<Matter>;
        matters_of(of: &[CustomerId]) -> Vec<Matter>;
        jobs(after: Option<IdempotencyKey>, limit: usize) -> Vec<Job>;
        claim(now: DateTime<Utc>, limit: usize, lease: Duration) -> Vec<Job>;
    }
}

#[test]
fn a_matter_that_cannot_be_read_back_hides_no_other() {
    let broken = MatterId::Reminder(ReminderId::derive(&["broken"]));
    for batch in [1, 9] {
        let settings = Settings::default().claiming(batch, Duration::from_secs(30)).unwrap();
        let store = Grumpy { cannot_read: Some(broken), ..Grumpy::default() };
        let desk = Desk::new(store, MemoryNotifier::new(), settings);
        block_on(async {
            let all = [("broken", -9), ("a", -1), ("b", 0)].map(|(name, at)| Matter::new(reminder(name, at)));
            desk.record(&given().with_matters(all)).await.unwrap();
            let woken = desk.wake(at(0)).await.unwrap();
            assert_eq!((woken.looked_at, woken.told, woken.troubles.len()), (2, 2, 1));
            assert_eq!((woken.troubles[0].matter, woken.troubles[0].until), (broken, None));
            assert_eq!(woken.troubles[0].problem, DeskError::Store(UNREADABLE));
            assert_eq!(desk.run_due(at(0)).await.unwrap().delivered, 2);
        });
    }
}

#[test]
fn what_the_store_refuses_for_ever_hides_nothing() {
    let refused = MatterId::Reminder(ReminderId::derive(&["first"]));
    let settings = Settings::default().claiming(1, Duration::from_secs(30)).unwrap();
    let store = Grumpy { refuses: Some(refused), ..Grumpy::default() };
    let desk = Desk::new(store, MemoryNotifier::new(), settings.clone());
    block_on(async {
        let set = given().matter(Matter::new(reminder("first", -9))).matter(Matter::new(reminder("a", 0)));
        desk.record(&set).await.unwrap();
        let woken = desk.wake(at(0)).await.unwrap();
        assert_eq!((woken.looked_at, woken.told, woken.troubles.len()), (1, 1, 1));
        assert_eq!((woken.troubles[0].matter, woken.troubles[0].until), (refused, None));
        assert_eq!(desk.run_due(at(0)).await.unwrap().delivered, 1);

        let Desk { store: Grumpy { inner, .. }, notifier, .. } = desk;
        let desk = Desk::new(Grumpy { inner, blind: true, ..Grumpy::default() }, notifier, settings);
        let by_hand = crate::notification::Notification::new(
            IdempotencyKey::derive(&["n"]),
            team(),
            Tag::literal("news"),
            at(1),
        );
        desk.record(&changes("news").notification(by_hand.unwrap())).await.unwrap();
        let unreadable = desk.run_due(at(1)).await.unwrap_err();
        assert!(matches!(unreadable, DeskError::Store(StoreError::Unusable { .. })));
        assert_eq!(told(&desk), ["call", "news"], "what can be delivered is delivered all the same");
    });
}
