use super::*;
use crate::case::{Case, CaseChange, CaseEvent, CaseId};
use crate::consent::{ConsentId, ConsentRecord};
use crate::customer::CustomerId;
use crate::outreach::{CapWindow, PastContact};
use chrono::FixedOffset;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn said(id: &str, status: ConsentStatus, when: &str) -> ConsentRecord {
    let customer = CustomerId::derive(&["c"]);
    ConsentRecord::new(ConsentId::derive(&[id]), customer, Purpose::DirectMarketing, status, at(when))
        .unwrap()
}

fn consent() -> [ConsentRecord; 1] {
    [said("1", ConsentStatus::Given, "2020-01-01T00:00:00Z")]
}

const OFFER: PlannedContact =
    PlannedContact::new(ContactCategory::Offer, Purpose::DirectMarketing, Touchpoint::Email);

fn offer_at(when: &str) -> PastContact {
    PastContact { at: at(when), category: ContactCategory::Offer, via: Touchpoint::Email }
}

fn checks(decision: &ContactDecision) -> Vec<ContactCheck> {
    decision.failed().iter().map(|failed| failed.check).collect()
}

#[test]
fn all_failed_checks_are_named_in_their_order_with_the_instant_each_clears() {
    let policy = ContactPolicy::default()
        .quiet("22:00-08:00".parse().unwrap())
        .holiday("2026-03-01".parse().unwrap())
        .cap(FrequencyCap::new(Tag::literal("daily"), 1, CapWindow::Day).unwrap());
    let contacts = [offer_at("2026-03-01T10:00:00Z")];
    let facts = ContactFacts::new()
        .contacts(&contacts)
        .prefers(Touchpoint::Chat)
        .suppressed(Some(Touchpoint::Email), Tag::literal("bounced"))
        .excluded(OPEN_COMPLAINT, Some(at("2026-03-04T00:00:00Z")));
    let decision = policy.decide(&OFFER, &facts, &Utc, at("2026-03-01T22:00:00Z"));
    assert_eq!(checks(&decision), ContactCheck::ALL);
    let clears: Vec<_> = decision.failed().iter().map(|failed| failed.clears).collect();
    let midnight = Some(at("2026-03-02T00:00:00Z"));
    let morning = Some(at("2026-03-02T08:00:00Z"));
    assert_eq!(clears, [None, None, Some(at("2026-03-04T00:00:00Z")), midnight, morning, midnight, None]);
    let rules: Vec<_> = decision.failed().iter().map(|failed| failed.because.to_string()).collect();
    assert_eq!(
        rules,
        [
            "bounced",
            "consent_missing",
            "open_complaint",
            "daily: 1 against 1",
            "quiet_hours",
            "holiday",
            "other_channel_preferred"
        ]
    );
    assert_eq!(decision.earliest(), None);
}

#[test]
fn boundaries_belong_to_the_quiet_hours_they_begin() {
    let consent = consent();
    let facts = ContactFacts::new().consents(&consent);
    let policy = ContactPolicy::default().quiet("22:00-08:00".parse().unwrap());
    for (when, quiet) in [
        ("2026-03-01T21:59:59.999Z", false),
        ("2026-03-01T22:00:00Z", true),
        ("2026-03-02T00:00:00Z", true),
        ("2026-03-02T07:59:59.999Z", true),
        ("2026-03-02T08:00:00Z", false),
    ] {
        let decision = policy.decide(&OFFER, &facts, &Utc, at(when));
        assert_eq!(!decision.is_allowed(), quiet, "{when}");
        let earliest = if quiet { at("2026-03-02T08:00:00Z") } else { at(when) };
        assert_eq!(decision.earliest(), Some(earliest), "{when}");
    }
}

#[test]
fn sliding_caps_free_exactly_when_the_oldest_contact_is_as_old_as_the_window() {
    let consent = consent();
    let contacts = ["2026-03-01T10:00:00.5Z", "2026-03-03T10:00:00Z", "2026-03-05T10:00:00Z"].map(offer_at);
    let facts = ContactFacts::new().consents(&consent).contacts(&contacts);
    let cap = |most| FrequencyCap::new(Tag::literal("weekly"), most, CapWindow::Hours(168)).unwrap();
    let earliest = |most, when: &str| {
        ContactPolicy::default().cap(cap(most)).decide(&OFFER, &facts, &Utc, at(when)).earliest().unwrap()
    };
    assert_eq!(earliest(3, "2026-03-06T00:00:00Z"), at("2026-03-08T10:00:00.5Z"));
    assert_eq!(earliest(2, "2026-03-06T00:00:00Z"), at("2026-03-10T10:00:00Z"));
    assert_eq!(earliest(1, "2026-03-06T00:00:00Z"), at("2026-03-12T10:00:00Z"));
    assert_eq!(earliest(4, "2026-03-06T00:00:00Z"), at("2026-03-06T00:00:00Z"));
    // What lies ahead does not count yet.
    assert_eq!(earliest(1, "2026-03-01T10:00:00Z"), at("2026-03-01T10:00:00Z"));
}

#[test]
fn calendar_caps_follow_the_customers_calendar() {
    let consent = consent();
    // In Auckland (winter, +12) it is Monday the first of June already.
    let contacts = [offer_at("2026-05-31T12:00:00Z")];
    let facts = ContactFacts::new().consents(&consent).contacts(&contacts);
    let east = FixedOffset::east_opt(12 * 3600).unwrap();
    let earliest = |window, zone: &FixedOffset| {
        let cap = FrequencyCap::new(Tag::literal("cap"), 1, window).unwrap();
        let policy = ContactPolicy::default().cap(cap);
        policy.decide(&OFFER, &facts, zone, at("2026-05-31T12:30:00Z")).earliest().unwrap()
    };
    assert_eq!(earliest(CapWindow::Day, &east), at("2026-06-01T12:00:00Z"));
    assert_eq!(earliest(CapWindow::Week, &east), at("2026-06-07T12:00:00Z"));
    assert_eq!(earliest(CapWindow::Month, &east), at("2026-06-30T12:00:00Z"));
    let utc = FixedOffset::east_opt(0).unwrap();
    assert_eq!(earliest(CapWindow::Week, &utc), at("2026-06-01T00:00:00Z"));
    assert_eq!(earliest(CapWindow::Month, &utc), at("2026-06-01T00:00:00Z"));
}

#[test]
fn a_legal_basis_other_than_consent_yields_to_an_objection_where_the_law_says_so() {
    let now = "2026-03-01T10:00:00Z";
    let withdrawn = [said("1", ConsentStatus::Withdrawn, "2026-01-01T00:00:00Z")];
    let allowed = |basis, records: &[ConsentRecord]| {
        let policy = ContactPolicy::default().resting_on(Purpose::DirectMarketing, basis);
        policy.decide(&OFFER, &ContactFacts::new().consents(records), &Utc, at(now)).is_allowed()
    };
    assert!(!allowed(LegalBasis::Consent, &[]));
    assert!(allowed(LegalBasis::LegitimateInterest, &[]));
    assert!(!allowed(LegalBasis::LegitimateInterest, &withdrawn));
    assert!(allowed(LegalBasis::Contract, &withdrawn));
    let expired = [consent()[0].clone().expiring(at("2026-02-01T00:00:00Z")).unwrap()];
    assert!(allowed(LegalBasis::LegitimateInterest, &expired), "what ran out is no objection");
    assert!(!allowed(LegalBasis::Consent, &expired));
}

#[test]
fn consent_that_runs_out_before_the_morning_is_none_in_the_morning() {
    let policy = ContactPolicy::default().quiet("22:00-08:00".parse().unwrap());
    let night = at("2026-03-01T23:00:00Z");
    let short = [consent()[0].clone().expiring(at("2026-03-02T08:00:00Z")).unwrap()];
    let decision = policy.decide(&OFFER, &ContactFacts::new().consents(&short), &Utc, night);
    assert_eq!((checks(&decision), decision.earliest()), (vec![ContactCheck::QuietHours], None));
    // A consent that is known to begin later is waited for.
    let later = [said("1", ConsentStatus::Given, "2026-03-05T23:00:00Z")];
    let decision = policy.decide(&OFFER, &ContactFacts::new().consents(&later), &Utc, night);
    assert_eq!(decision.earliest(), Some(at("2026-03-06T08:00:00Z")));
}

#[test]
fn service_is_exempt_from_the_clock_but_not_from_suppression() {
    let night = at("2026-03-01T23:00:00Z");
    let policy = ContactPolicy::default()
        .resting_on(Purpose::ServiceProvision, LegalBasis::Contract)
        .quiet("22:00-08:00".parse().unwrap())
        .cap(FrequencyCap::new(Tag::literal("one"), 1, CapWindow::Day).unwrap());
    let service = PlannedContact::new(ContactCategory::Service, Purpose::ServiceProvision, Touchpoint::Email);
    let contacts = [offer_at("2026-03-01T22:00:00Z")];
    let facts = ContactFacts::new().contacts(&contacts).prefers(Touchpoint::Chat);
    assert!(policy.decide(&service, &facts, &Utc, night).is_allowed());
    let held_back = policy.clone().holding_back(ContactCategory::Service).by_any_channel();
    let decision = held_back.decide(&service, &facts, &Utc, night);
    assert_eq!(checks(&decision), [ContactCheck::FrequencyCap, ContactCheck::QuietHours]);
    assert!(held_back.decide(&service.in_answer(), &facts, &Utc, night).is_allowed());
    let bounced = facts.suppressed(None, Tag::literal("deceased"));
    assert_eq!(checks(&policy.decide(&service, &bounced, &Utc, night)), [ContactCheck::Suppression]);
}

#[test]
fn exempt_contacts_use_up_no_cap_but_their_own() {
    let consent = consent();
    let contacts = [PastContact { category: ContactCategory::Service, ..offer_at("2026-03-01T08:00:00Z") }];
    let facts = ContactFacts::new().consents(&consent).contacts(&contacts);
    let cap = FrequencyCap::new(Tag::literal("one"), 1, CapWindow::Day).unwrap();
    let now = at("2026-03-01T10:00:00Z");
    let total = ContactPolicy::default().cap(cap.clone());
    assert!(total.decide(&OFFER, &facts, &Utc, now).is_allowed());
    let own = ContactPolicy::default()
        .resting_on(Purpose::CustomerCare, LegalBasis::Contract)
        .cap(cap.of(ContactCategory::Service));
    let service = PlannedContact::new(ContactCategory::Service, Purpose::CustomerCare, Touchpoint::Email);
    assert_eq!(checks(&own.decide(&service, &facts, &Utc, now)), [ContactCheck::FrequencyCap]);
    assert!(own.decide(&OFFER, &facts, &Utc, now).is_allowed());
}

#[test]
fn an_open_complaint_holds_back_what_sells_until_it_is_solved() {
    let consent = consent();
    let opened = at("2026-03-01T00:00:00Z");
    let mut case =
        Case::open(CaseId::derive(&["1"]), CustomerId::derive(&["c"]), Tag::literal("damaged"), opened)
            .unwrap();
    let failed = |case: &Case| {
        let facts = ContactFacts::new().consents(&consent).complaints([case]);
        checks(&ContactPolicy::default().decide(&OFFER, &facts, &Utc, at("2026-03-02T10:00:00Z")))
    };
    assert_eq!(failed(&case), [ContactCheck::Exclusion]);
    for status in [crate::case::CaseStatus::Open, crate::case::CaseStatus::Solved] {
        case.record(CaseEvent::new(opened, CaseChange::Moved(status))).unwrap();
    }
    assert_eq!(failed(&case), []);
    case.record(CaseEvent::new(opened, CaseChange::Moved(crate::case::CaseStatus::Reopened))).unwrap();
    assert_eq!(failed(&case), [ContactCheck::Exclusion]);
    let survey = OFFER.by(Touchpoint::Email);
    let survey = PlannedContact::new(ContactCategory::Survey, survey.purpose(), survey.touchpoint());
    let facts = ContactFacts::new().consents(&consent).complaints([&case]);
    assert!(ContactPolicy::default().decide(&survey, &facts, &Utc, at("2026-03-02T10:00:00Z")).is_allowed());
    let mourning = ContactFacts::new().consents(&consent).excluded(Tag::literal("mourning"), None);
    let decision = ContactPolicy::default().decide(&survey, &mourning, &Utc, at("2026-03-02T10:00:00Z"));
    assert_eq!(
        checks(&decision),
        [ContactCheck::Exclusion],
        "an exclusion nobody named holds back everything"
    );
}

#[test]
fn the_touch_point_that_is_allowed_first_is_chosen_and_the_preferred_of_equal_ones() {
    let consent = consent();
    let facts = ContactFacts::new().consents(&consent).prefers(Touchpoint::Chat);
    let policy =
        ContactPolicy::default().quiet("20:00-09:00 phone_call_centre".parse().unwrap()).by_any_channel();
    let choose = |touchpoints: &[Touchpoint]| {
        let decision = policy.choose(&OFFER, touchpoints, &facts, &Utc, at("2026-03-01T21:00:00Z"));
        decision.map(|decision| decision.touchpoint())
    };
    assert_eq!(choose(&[]), None);
    assert_eq!(choose(&[Touchpoint::PhoneCallCentre, Touchpoint::Email]), Some(Touchpoint::Email));
    assert_eq!(choose(&[Touchpoint::Email, Touchpoint::Chat]), Some(Touchpoint::Chat));
    assert_eq!(choose(&[Touchpoint::Social, Touchpoint::Email]), Some(Touchpoint::Social));
}

#[test]
fn hours_that_are_always_quiet_end_the_search() {
    let consent = consent();
    let facts = ContactFacts::new().consents(&consent);
    let halves = ["00:00-12:00", "12:00-24:00"].map(|half| half.parse().unwrap());
    let never = halves.into_iter().fold(ContactPolicy::default(), ContactPolicy::quiet);
    assert_eq!(never.decide(&OFFER, &facts, &Utc, at("2026-03-01T21:00:00Z")).earliest(), None);
    assert_eq!(never.check(), Err(OutreachError::AlwaysQuiet { via: None }));
    let json = serde_json::to_string(&never).unwrap();
    let refused = serde_json::from_str::<ContactPolicy>(&json).unwrap_err().to_string();
    assert!(
        refused.contains("the quiet hours leave no minute of the week for most touch points"),
        "{refused}"
    );
    let with = |hours: &[&str]| {
        let hours = hours.iter().map(|hours| hours.parse().unwrap());
        hours.fold(ContactPolicy::default(), ContactPolicy::quiet).check()
    };
    let week = "mon,tue,wed,thu,fri,sat,sun";
    let phone = Err(OutreachError::AlwaysQuiet { via: Some(Touchpoint::PhoneCallCentre) });
    assert_eq!(with(&["20:00-09:00", "09:00-20:00 phone_call_centre"]), phone);
    assert_eq!(with(&["20:00-09:00", &format!("09:00-20:00 {week} phone_call_centre")]), phone);
    assert_eq!(with(&["20:00-09:00", "09:00-20:00 mon,tue,wed,thu,fri,sat phone_call_centre"]), Ok(()));
    assert_eq!(with(&["20:00-09:00 email", "09:00-20:00 phone_call_centre"]), Ok(()));
    assert_eq!(with(&["00:00-23:59"]), Ok(()));
    let whole = ContactPolicy::default().quiet("00:00-24:00".parse().unwrap());
    assert_eq!(whole.decide(&OFFER, &facts, &Utc, DateTime::<Utc>::MAX_UTC).earliest(), None);
}

#[test]
fn json_round_trips_and_is_checked() {
    let policy = ContactPolicy::default()
        .resting_on(Purpose::CustomerCare, LegalBasis::Contract)
        .quiet("22:00-08:00 sat".parse().unwrap())
        .holiday("2026-12-25".parse().unwrap())
        .excluding(Tag::literal("in_dunning"), ContactCategory::Offer)
        .cap(FrequencyCap::new(Tag::literal("two"), 2, CapWindow::Hours(24)).unwrap().via(Touchpoint::Email));
    let json = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<ContactPolicy>(&json).unwrap(), policy);
    assert!(
        serde_json::from_str::<ContactPolicy>(&json.replace(r#""at_most":2"#, r#""at_most":0"#)).is_err()
    );
    assert!(serde_json::from_str::<ContactPolicy>(&json.replace("22:00", "25:00")).is_err());
    assert_eq!(serde_json::from_str::<ContactPolicy>("{}").unwrap(), ContactPolicy::default());
}

/// The earliest instant, found by asking every minute.
#[cfg(feature = "chrono-tz")]
mod minute_walk {
    use super::*;
    use chrono::{Datelike, NaiveDateTime, Timelike, Weekday};
    use chrono_tz::Tz;
    use proptest::prelude::*;

    const ZONES: [(Tz, &str); 8] = [
        (Tz::Europe__Berlin, "2026-03-28T00:00:00Z"),
        (Tz::Europe__Berlin, "2026-10-24T00:00:00Z"),
        (Tz::America__New_York, "2026-03-07T00:00:00Z"),
        (Tz::Australia__Lord_Howe, "2026-04-03T00:00:00Z"),
        (Tz::America__Havana, "2026-11-01T00:00:00Z"),
        (Tz::Pacific__Apia, "2011-12-28T00:00:00Z"),
        // Put back at a minute past midnight, into the day before.
        (Tz::America__St_Johns, "2010-11-06T00:00:00Z"),
        (Tz::Asia__Kathmandu, "2026-01-01T00:00:00Z"),
    ];

    #[derive(Clone, Debug)]
    struct Rules {
        quiet: Vec<(u16, u16, Option<u8>)>,
        caps: Vec<(u32, CapWindow)>,
        contacts: Vec<i64>,
        holidays: Vec<u64>,
        consent: (i64, i64),
        excluded: Option<i64>,
    }

    fn rules() -> impl Strategy<Value = Rules> {
        let window = prop_oneof![
            (1_u16..80).prop_map(CapWindow::Hours),
            Just(CapWindow::Day),
            Just(CapWindow::Week),
            Just(CapWindow::Month)
        ];
        let quiet = (0_u16..1440, 0_u16..=1440, prop::option::of(0_u8..7))
            .prop_filter("time between its ends", |(from, to, _)| from != to && *to > 0);
        (
            prop::collection::vec(quiet, 0..3),
            prop::collection::vec((1_u32..4, window), 0..3),
            prop::collection::vec(-8_000_i64..6_000, 0..6),
            prop::collection::vec(0_u64..5, 0..3),
            (-3_000_i64..3_000, 1_i64..12_000),
            prop::option::of(-500_i64..4_000),
        )
            .prop_map(|(quiet, caps, contacts, holidays, consent, excluded)| Rules {
                quiet,
                caps,
                contacts,
                holidays,
                consent,
                excluded,
            })
    }

    fn weekday(number: u8) -> Weekday {
        Weekday::try_from(number).unwrap()
    }

    /// Written without the code it judges: local time is asked of chrono for every minute.
    fn allowed(rules: &Rules, start: DateTime<Utc>, zone: Tz, at: DateTime<Utc>) -> bool {
        let minute = |minutes: i64| start + TimeDelta::minutes(minutes);
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
        let now = local(at);
        let consented = minute(rules.consent.0) <= at
            && at < minute(rules.consent.0) + TimeDelta::minutes(rules.consent.1);
        let excluded = rules.excluded.is_some_and(|until| at < minute(until));
        let of_day = u16::try_from(now.hour() * 60 + now.minute()).unwrap();
        let quiet = rules.quiet.iter().any(|&(from, to, day)| {
            let on = |today: Weekday| day.is_none_or(|day| weekday(day) == today);
            if from < to {
                on(now.weekday()) && from <= of_day && of_day < to
            } else {
                (on(now.weekday()) && of_day >= from) || (on(now.weekday().pred()) && of_day < to)
            }
        });
        let holiday =
            rules.holidays.iter().any(|&ahead| local(start).date() + chrono::Days::new(ahead) == now.date());
        let same = |window: CapWindow, one: NaiveDateTime, other: NaiveDateTime| match window {
            CapWindow::Day => one.date() == other.date(),
            CapWindow::Week => one.iso_week() == other.iso_week(),
            _ => (one.year(), one.month()) == (other.year(), other.month()),
        };
        let capped = rules.caps.iter().any(|&(most, window)| {
            let seen =
                rules.contacts.iter().map(|&contact| minute(contact)).filter(|&contact| match window {
                    CapWindow::Hours(hours) => contact <= at && at < contact + TimeDelta::hours(hours.into()),
                    _ => contact <= at && same(window, local(contact), now),
                });
            seen.count() >= usize::try_from(most).unwrap()
        });
        consented && !excluded && !quiet && !holiday && !capped
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn finds_the_same_earliest_instant(rules in rules(), zone in 0..ZONES.len(), offset in 0_i64..2_880) {
            let (zone, start) = ZONES[zone];
            let start = at(start);
            let minute = |minutes: i64| start + TimeDelta::minutes(minutes);
            let now = minute(offset);
            let mut policy = ContactPolicy::default();
            for &(from, to, day) in &rules.quiet {
                let hours = QuietHours::new(from, to).unwrap();
                policy = policy.quiet(day.map_or(hours.clone(), |day| hours.on(weekday(day))));
            }
            for &(most, window) in &rules.caps {
                policy = policy.cap(FrequencyCap::new(Tag::literal("cap"), most, window).unwrap());
            }
            for &ahead in &rules.holidays {
                policy = policy.holiday(start.with_timezone(&zone).date_naive() + chrono::Days::new(ahead));
            }
            let contacts: Vec<_> = rules.contacts.iter().map(|&contact| PastContact {
                at: minute(contact), category: ContactCategory::Offer, via: Touchpoint::Email,
            }).collect();
            let consents = [ConsentRecord::new(
                ConsentId::derive(&["1"]), CustomerId::derive(&["c"]), Purpose::DirectMarketing,
                ConsentStatus::Given, minute(rules.consent.0),
            ).unwrap().expiring(minute(rules.consent.0 + rules.consent.1)).unwrap()];
            let mut facts = ContactFacts::new().consents(&consents).contacts(&contacts);
            if let Some(until) = rules.excluded {
                facts = facts.excluded(OPEN_COMPLAINT, Some(minute(until)));
            }
            let decision = policy.decide(&OFFER, &facts, &zone, now);
            prop_assert_eq!(decision.is_allowed(), allowed(&rules, start, zone, now));
            // The consent ends within 15,000 minutes, so nothing can be allowed after them.
            let walked = (0..15_001).map(|minutes| now + TimeDelta::minutes(minutes)).find(|&at| allowed(&rules, start, zone, at));
            prop_assert_eq!(decision.earliest(), walked);
            for failed in decision.failed() {
                prop_assert!(failed.clears.is_none_or(|clears| clears > now));
            }
        }
    }

    #[test]
    fn hours_left_out_and_hours_shown_twice() {
        let consent = consent();
        let facts = ContactFacts::new().consents(&consent);
        let earliest = |hours: &str, zone: Tz, when: &str| {
            let policy = ContactPolicy::default().quiet(hours.parse().unwrap());
            policy.decide(&OFFER, &facts, &zone, at(when)).earliest().unwrap()
        };
        let berlin = Tz::Europe__Berlin;
        // On the 29th of March 2026 the clock goes from 02:00 to 03:00: a quiet time until 02:30 ends at the jump.
        assert_eq!(earliest("22:00-02:30", berlin, "2026-03-28T23:00:00Z"), at("2026-03-29T01:00:00Z"));
        // Until 08:00 it is an hour shorter; on the 25th of October an hour longer.
        assert_eq!(earliest("22:00-08:00", berlin, "2026-03-28T23:00:00Z"), at("2026-03-29T06:00:00Z"));
        assert_eq!(earliest("22:00-08:00", berlin, "2026-10-24T21:00:00Z"), at("2026-10-25T07:00:00Z"));
        // What is quiet from 02:00 to 03:00 is quiet both times.
        assert_eq!(earliest("02:00-03:00", berlin, "2026-10-25T00:30:00Z"), at("2026-10-25T02:00:00Z"));
        // From 02:30 on it is quiet, then the clock is put back and it is not.
        assert_eq!(earliest("02:30-08:00", berlin, "2026-10-25T00:45:00Z"), at("2026-10-25T01:00:00Z"));
    }
}
