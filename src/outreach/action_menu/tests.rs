use super::*;
use crate::consent::{LegalBasis, Purpose};
use crate::customer::CustomerId;
use crate::interaction::{Channel, Engagement, Interaction, InteractionId, Touchpoint};
use crate::lifecycle::LifecycleStage;
use crate::money::{Currency, MoneyError};
use crate::outreach::{BecauseBought, ContactCheck, ContactFacts, OPEN_COMPLAINT, Suggestion};
use crate::segment::RuleValue;
use crate::value::{BgNbd, Buyer, Horizon, PurchaseForecast, TimeUnit};

fn at() -> DateTime<Utc> {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn share(number: f64) -> Share {
    Share::new(number).unwrap()
}

fn action(name: &'static str, category: ContactCategory) -> Action {
    Action::new(Tag::literal(name), category, Purpose::CustomerCare)
        .via(Touchpoint::Email)
        .probability(share(0.5))
}

fn offer(name: &'static str) -> Action {
    action(name, ContactCategory::Offer).value(eur(1000))
}

fn policy() -> ContactPolicy {
    ContactPolicy::default().resting_on(Purpose::CustomerCare, LegalBasis::Contract)
}

fn next(actions: Vec<Action>, situation: &Situation<'_>) -> NextBestAction {
    ActionMenu::new(actions, None).unwrap().next_best(situation, &policy(), &Utc, at()).unwrap()
}

fn ranked(next: &NextBestAction) -> Vec<(String, i64)> {
    next.ranked().iter().map(|entry| (entry.action.to_string(), entry.expected.minor())).collect()
}

fn excluded<'n>(next: &'n NextBestAction, name: &'static str) -> &'n [NotNow] {
    &next.excluded().iter().find(|excluded| excluded.action == Tag::literal(name)).unwrap().because
}

#[test]
fn ranks_by_expected_value_and_leaves_out_what_does_not_pay() {
    let actions = vec![
        offer("cheap").value(eur(800)),
        offer("likely").value(eur(500)).probability(share(0.9)),
        offer("dear").cost(eur(500)),
        offer("alike").value(eur(800)),
    ];
    let found = next(actions, &Situation::new(ContactFacts::new()).likely(Tag::literal("cheap"), share(0.5)));
    let expected =
        [("likely", 450), ("alike", 400), ("cheap", 400)].map(|(name, minor)| (name.to_owned(), minor));
    assert_eq!(ranked(&found), expected);
    assert_eq!(excluded(&found, "dear"), [NotNow::DoesNotPay { expected: eur(0) }]);
    let reasons: Vec<_> = found.chosen().unwrap().because.iter().map(Because::to_string).collect();
    assert_eq!(reasons, ["expected_minor: 450 against 0"]);
}

#[test]
fn service_comes_before_selling() {
    let put_right = action("put_right", ContactCategory::Service).value(eur(100)).cost(eur(400));
    let actions =
        vec![offer("upgrade"), put_right, action("survey", ContactCategory::Survey).value(eur(900))];
    let quiet = next(actions.clone(), &Situation::new(ContactFacts::new()));
    assert_eq!(quiet.chosen().unwrap().action, Tag::literal("upgrade"));
    assert_eq!(excluded(&quiet, "put_right"), [NotNow::DoesNotPay { expected: eur(-350) }]);

    let complaint = ContactFacts::new().excluded(OPEN_COMPLAINT, None);
    let found = next(actions.clone(), &Situation::new(complaint));
    let expected = [("put_right", -350), ("survey", 450)].map(|(name, minor)| (name.to_owned(), minor));
    assert_eq!(ranked(&found), expected);
    assert_eq!(excluded(&found, "upgrade"), [NotNow::ServiceFirst]);
    assert_eq!(found.chosen().unwrap().because[0].by(), Tag::literal("service_first"));
    // Once it is over, offers may be made again.
    let over = ContactFacts::new().excluded(OPEN_COMPLAINT, Some(at()));
    assert_eq!(next(actions, &Situation::new(over)).chosen().unwrap().action, Tag::literal("upgrade"));
}

#[test]
fn the_same_inquiry_is_treated_by_who_asks_and_says_so() {
    let inquiry = Interaction::builder(InteractionId::derive(&["1"]), CustomerId::derive(&["c"]), at())
        .at_place(Channel::CallCentre, Touchpoint::PhoneCallCentre, Engagement::Sales)
        .reason(Tag::literal("price_list"))
        .build()
        .unwrap();
    let answer = |name| {
        action(name, ContactCategory::Service)
            .via(Touchpoint::PhoneCallCentre)
            .answering(Tag::literal("price_list"))
            .value_of_worth(share(0.1))
    };
    let actions = vec![
        answer("account_manager").cost(eur(5000)).from_worth(eur(100_000)),
        answer("send_price_list").cost(eur(20)),
        offer("first_order").at_stage(LifecycleStage::Consideration).value(eur(400)),
    ];
    let asked = |worth, stage| {
        let situation = Situation::new(ContactFacts::new()).inquiry(&inquiry).worth(eur(worth)).stage(stage);
        next(actions.clone(), &situation)
    };
    let (valued, prospect) =
        (asked(400_000, LifecycleStage::Existing), asked(3_000, LifecycleStage::Consideration));
    let chosen = valued.chosen().unwrap();
    assert_eq!((chosen.action, chosen.via), (Tag::literal("send_price_list"), Touchpoint::PhoneCallCentre));
    assert_eq!(ranked(&valued)[1], ("account_manager".to_owned(), 15_000));
    let reasons: Vec<_> = valued.ranked()[1].because.iter().map(Because::to_string).collect();
    assert_eq!(
        reasons,
        ["price_list", "worth_minor: 400000 against 100000", "expected_minor: 15000 against 0"]
    );
    assert_eq!(excluded(&valued, "first_order"), [NotNow::OtherStage]);
    assert_eq!(ranked(&prospect), [("first_order".to_owned(), 200), ("send_price_list".to_owned(), 130)]);
    let below = NotNow::WorthBelow { worth: eur(3_000), least: eur(100_000) };
    assert_eq!(excluded(&prospect, "account_manager"), [below]);
    // Nobody asked: nothing is answered.
    let unasked = next(actions, &Situation::new(ContactFacts::new()));
    assert_eq!(excluded(&unasked, "account_manager"), [NotNow::OtherReason, NotNow::WorthUnknown]);
}

#[test]
fn the_contact_policy_holds_back_and_says_from_when_on() {
    let menu = ActionMenu::new(vec![offer("upgrade").via(Touchpoint::PhoneCallCentre)], None).unwrap();
    let policy = policy()
        .quiet("08:00-12:00".parse().unwrap())
        .quiet("12:00-15:00 phone_call_centre".parse().unwrap());
    let found = menu.next_best(&Situation::new(ContactFacts::new()), &policy, &Utc, at()).unwrap();
    assert_eq!(found.chosen(), None);
    let noon = "2026-03-02T12:00:00Z".parse().unwrap();
    assert_eq!(found.ask_again(), Some(noon));
    let [NotNow::Contact { via, failed, earliest }] = excluded(&found, "upgrade") else {
        panic!("{found:?}")
    };
    assert_eq!((*via, failed[0].check, *earliest), (Touchpoint::Email, ContactCheck::QuietHours, Some(noon)));
    // Whoever calls at that hour is answered.
    let call = Interaction::builder(InteractionId::derive(&["1"]), CustomerId::derive(&["c"]), at())
        .at_place(Channel::CallCentre, Touchpoint::PhoneCallCentre, Engagement::Sales)
        .build()
        .unwrap();
    let situation = Situation::new(ContactFacts::new()).inquiry(&call);
    let found = menu.next_best(&situation, &policy, &Utc, at()).unwrap();
    assert_eq!(found.chosen().unwrap().via, Touchpoint::PhoneCallCentre);
}

#[test]
fn segments_decide_in_three_values() {
    let rules: SegmentRules = serde_json::from_str(
        r#"[{"segment":"big","rule":{"field":{"name":"orders","is":"at_least","value":5}}}]"#,
    )
    .unwrap();
    let big = Tag::literal("big");
    let actions = vec![offer("only").only_in(big), offer("others").not_in(big)];
    let menu = ActionMenu::new(actions, Some(&rules)).unwrap();
    let asked = |orders: Option<f64>| {
        let mut facts = rules.facts(CustomerId::derive(&["c"]));
        if let Some(orders) = orders {
            facts.field(Tag::literal("orders"), RuleValue::Number(orders)).unwrap();
        }
        menu.next_best(&Situation::new(ContactFacts::new()).facts(&facts), &policy(), &Utc, at()).unwrap()
    };
    let (six, one, unknown) = (asked(Some(6.0)), asked(Some(1.0)), asked(None));
    assert_eq!(six.chosen().unwrap().because[0].by(), big);
    assert_eq!(excluded(&six, "others"), [NotNow::InSegment { segment: big, value: Truth::True }]);
    assert_eq!(one.chosen().unwrap().action, Tag::literal("others"));
    assert_eq!(excluded(&one, "only"), [NotNow::NotInSegment { segment: big, value: Truth::False }]);
    assert_eq!(unknown.chosen(), None);
    assert_eq!(excluded(&unknown, "only"), [NotNow::NotInSegment { segment: big, value: Truth::Unknown }]);
}

#[test]
fn offers_wait_for_the_next_purchase_that_a_model_expects() {
    let actions =
        vec![offer("to_go_with_it").due_within(14), offer("win_back").not_due_within(60), offer("always")];
    let model = BgNbd::new(0.243, 4.414, 0.793, 2.426).unwrap();
    let asked = |buyer: Buyer| {
        let within = model.next_purchase(buyer, share(0.5));
        next(
            actions.clone(),
            &Situation::new(ContactFacts::new()).next_purchase(within, TimeUnit::WEEK, at()),
        )
    };
    // Bought 20 times again in 30 weeks, the last time a week ago: P(alive) = 0.937, and half of all such customers come
    // within 34.4 (0.466^(-1 / 20.2) - 1) = 1.32 weeks. Bought twice again in a year, the last time half a year ago.
    let busy = asked(Buyer::new(20, 29.0, 30.0).unwrap());
    assert_eq!(
        ranked(&busy).iter().map(|entry| entry.0.as_str()).collect::<Vec<_>>(),
        ["always", "to_go_with_it"]
    );
    let reasons: Vec<_> = busy.ranked()[1].because.iter().map(Because::to_string).collect();
    assert_eq!(reasons, ["next_purchase_days: 9 against 14", "expected_minor: 500 against 0"]);
    assert!(matches!(excluded(&busy, "win_back"), [NotNow::DueAnyway { within_days: 60, .. }]));
    let gone = asked(Buyer::new(2, 26.0, 52.0).unwrap());
    assert_eq!(ranked(&gone).len(), 2);
    assert!(matches!(excluded(&gone, "to_go_with_it"), [NotNow::NotDue { within_days: 14, .. }]));
    // Rather never, and not known at all.
    let never =
        next(actions.clone(), &Situation::new(ContactFacts::new()).next_purchase(None, TimeUnit::DAY, at()));
    assert_eq!(excluded(&never, "to_go_with_it"), [NotNow::NotDue { expected: None, within_days: 14 }]);
    assert_eq!(ranked(&never).len(), 2);
    let unknown = next(actions.clone(), &Situation::new(ContactFacts::new()));
    assert_eq!(excluded(&unknown, "win_back"), [NotNow::NextPurchaseUnknown]);
    // What no calendar holds is never; the last day is within.
    let expect = |days: f64| {
        let within = Horizon::new(days).unwrap();
        Situation::new(ContactFacts::new()).next_purchase(Some(within), TimeUnit::DAY, at())
    };
    for (days, due) in [(14.0, true), (14.000_1, false), (1e30, false), (0.0, true)] {
        let found = next(actions.clone(), &expect(days));
        assert_eq!(
            found.ranked().iter().any(|entry| entry.action == Tag::literal("to_go_with_it")),
            due,
            "{days}"
        );
    }
}

#[test]
fn items_are_offered_to_whom_they_are_suggested_with_the_reason() {
    let because = vec![BecauseBought { item: 3, score: 0.5 }];
    let suggestions = [Suggestion { item: 7, score: 0.5, because: because.clone() }];
    let situation = Situation::new(ContactFacts::new()).suggestions(&suggestions);
    let found = next(vec![offer("seven").of_item(7), offer("eight").of_item(8)], &situation);
    assert_eq!(found.chosen().unwrap().bought, because);
    assert_eq!(excluded(&found, "eight"), [NotNow::NotSuggested]);
}

#[test]
fn refuses_a_menu_that_makes_no_sense() {
    let refused = |action: Action| ActionMenu::new(vec![action], None).unwrap_err();
    let name = Tag::literal("a");
    let bare = Action::new(name, ContactCategory::Offer, Purpose::DirectMarketing);
    assert_eq!(refused(bare.clone().via(Touchpoint::Email)), OutreachError::NoValue { action: name });
    assert_eq!(refused(offer("a").value(eur(0))), OutreachError::NoValue { action: name });
    assert_eq!(refused(offer("a").value_of_worth(Share::ZERO)), OutreachError::NoValue { action: name });
    assert_eq!(refused(bare.value(eur(1))), OutreachError::NoTouchpoint { action: name });
    for (action, field) in [
        (offer("a").value(eur(-1)), "value"),
        (offer("a").cost(eur(-1)), "cost"),
        (offer("a").from_worth(eur(-1)), "worth_from"),
    ] {
        assert_eq!(refused(action), OutreachError::NegativeAmount { action: name, field, minor: -1 });
    }
    let segment = Tag::literal("nobody");
    assert_eq!(refused(offer("a").only_in(segment)), OutreachError::UnknownSegment { action: name, segment });
    for (action, one, other) in [
        (offer("a").from_worth(eur(5)).below_worth(eur(5)), "worth_from", "worth_below"),
        (offer("a").due_within(30).not_due_within(30), "not_due_within", "due_within"),
        (offer("a").only_in(segment).not_in(segment), "only_in", "not_in"),
    ] {
        assert_eq!(refused(action), OutreachError::NobodyFits { action: name, one, other });
    }
    let read = serde_json::from_str::<Action>(&serde_json::to_string(&offer("a").due_within(3)).unwrap());
    assert_eq!(read.unwrap(), offer("a").due_within(3));
    let twice = ActionMenu::new(vec![offer("a"), offer("a")], None).unwrap_err();
    assert_eq!(twice.to_string(), "action `a` is there twice");
    let mixed = refused(offer("a").cost(Money::new(1, Currency::USD)));
    assert!(matches!(mixed, OutreachError::Money(MoneyError::CurrencyMismatch { .. })));
    // Two actions in two currencies cannot be ranked.
    let dollars = offer("b").value(Money::new(900, Currency::USD));
    let menu = ActionMenu::new(vec![offer("a"), dollars], None).unwrap();
    let refused = menu.next_best(&Situation::new(ContactFacts::new()), &policy(), &Utc, at()).unwrap_err();
    assert!(matches!(refused, OutreachError::Money(MoneyError::CurrencyMismatch { .. })));
}

#[test]
fn what_is_not_known_is_said() {
    let actions = vec![
        Action { probability: None, ..offer("unlikely") },
        offer("of_worth").value_of_worth(share(0.5)),
        offer("small").below_worth(eur(10)),
    ];
    let found = next(actions.clone(), &Situation::new(ContactFacts::new()));
    assert_eq!(excluded(&found, "unlikely"), [NotNow::ProbabilityUnknown]);
    assert_eq!(excluded(&found, "of_worth"), [NotNow::WorthUnknown]);
    assert_eq!(excluded(&found, "small"), [NotNow::WorthUnknown]);
    let found = next(actions, &Situation::new(ContactFacts::new()).worth(eur(10)));
    assert_eq!(excluded(&found, "small"), [NotNow::WorthAbove { worth: eur(10), limit: eur(10) }]);
}
