//! What is bought together, what does each customer need, and what do we do next for them, by which touch point, and why,
//! or why not? `cargo run --release --example next_best_step --features simulate`, and with your own files
//! `-- --purchases orders.csv --baskets tills.csv`; `-- --help` names all options.

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/number.rs"]
mod number;
#[path = "support/rows.rs"]
mod rows;
#[path = "support/sold.rs"]
mod sold;

use arguments::Arguments;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use number::number;
use patronage::consent::{ConsentId, ConsentRecord, ConsentStatus, LegalBasis, Purpose};
use patronage::customer::CustomerId;
use patronage::interaction::{Channel, Engagement, Interaction, InteractionId, Touchpoint};
use patronage::outreach::{
    Action, ActionMenu, Baskets, CapWindow, ContactCategory, ContactFacts, ContactPolicy, FrequencyCap,
    Needs, NextBestAction, NotNow, OPEN_COMPLAINT, RuleSearch, Situation, Suggestion,
};
use patronage::value::{
    Discount, GammaGamma, Horizon, LifetimeValue, MbgNbd, PurchaseForecast, PurchaseModel, Summary, TimeUnit,
};
use patronage::{Because, Money, Share, Tag};
use sold::Sold;
use std::collections::BTreeSet;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};

const HELP: &str = "\
Tells what is bought together, what customers need, and what to do next for one: in which channel, when, and why.

  --baskets FILE         your baskets: a line for each, its items separated by commas    [those of the purchases]
  --support SHARE        how many of all baskets a rule must be seen in                  [0.01]
  --confidence SHARE     how often it must hold                                          [0.5]
  --copies NUMBER        baskets in which nothing goes together, to hold rules against   [9]
  --half-life DAYS       after which a purchase counts half                              [90]
";

/// So many days at the end are kept back to see how good the suggestions are.
const KEPT_BACK: i32 = 70;
/// How many rules and suggestions are shown.
const LISTED: usize = 5;

type Done = Result<(), Box<dyn Error>>;

/// Prints the answer to `out`.
///
/// # Errors
/// When an option means nothing, or data cannot be read or fitted.
pub(crate) fn run(arguments: impl IntoIterator<Item = String>, out: &mut dyn Write) -> Done {
    let names = ["baskets", "support", "confidence", "copies", "half-life"];
    let arguments = Arguments::parse(arguments, &[&names[..], &sold::NAMES].concat())?;
    if arguments.help {
        return Ok(write!(out, "{HELP}{}", sold::HELP)?);
    }
    let half_life = arguments.or("half-life", "90").parse().map_err(|_| "--half-life must be a number")?;
    let sold = match arguments.get("purchases") {
        Some(path) => Sold::read(out, path, &arguments)?,
        None => Sold::simulated(3_000, 5)?,
    };
    match arguments.get("baskets") {
        Some(path) => {
            let (baskets, items) = till_rolls(path)?;
            together(out, &arguments, path.rsplit('/').next().unwrap_or(path), &baskets, &items)?;
        }
        None => {
            together(
                out,
                &arguments,
                &sold.name,
                &Baskets::from_columns(&sold.basket, &sold.item)?,
                &sold.items,
            )?;
        }
    }
    let (again, new) = judged(out, &sold, half_life)?;
    next_steps(out, &sold, half_life, again, new)
}

/// Baskets from a file with one in each line.
fn till_rolls(path: &str) -> Result<(Baskets, Vec<String>), Box<dyn Error>> {
    let file = std::fs::File::open(path).map_err(|error| format!("{path}: {error}"))?;
    let (mut names, mut rows) = (sold::Numbers::default(), Vec::new());
    for (basket, line) in (0_u32..).zip(BufReader::new(file).lines()) {
        let line = line.map_err(|error| format!("{path}: {error}"))?;
        rows.extend(line.split(',').map(|item| (basket, names.of(item.trim()))));
    }
    Ok((Baskets::try_from(rows)?, names.into_names()))
}

/// Which rules there are, and whether they are more than chance.
fn together(
    out: &mut dyn Write,
    arguments: &Arguments,
    name: &str,
    baskets: &Baskets,
    items: &[String],
) -> Done {
    let (support, confidence) = (arguments.or("support", "0.01"), arguments.or("confidence", "0.5"));
    let search = RuleSearch::new(support.parse()?, confidence.parse()?);
    let copies: u32 = arguments.or("copies", "9").parse().map_err(|_| "--copies must be a whole number")?;
    let found = search.against_chance(baskets, copies, 1)?;
    writeln!(
        out,
        "What is bought together: {name}, {} baskets; rules seen in {support} of them that hold in {confidence} or more",
        number(baskets.len().into())
    )?;
    let count = |count: usize| u64::try_from(count).map(number);
    write!(out, "  {} rules", count(found.rules.len())?)?;
    if let (Some(&least), Some(&most)) = (found.by_chance.iter().min(), found.by_chance.iter().max()) {
        let never = found.rules.iter().filter(|rule| rule.as_often == 0).count();
        let (never, least, most) = (count(never)?, count(least)?, count(most)?);
        write!(
            out,
            "; baskets as large, with items as frequent, in which nothing goes together, make {least} to {most} such rules; \
             {never} were never seen as often there"
        )?;
    }
    writeln!(
        out,
        "\n  the strongest, by how often they hold (lift would put first what hardly anybody wants):"
    )?;
    let name_of = |item: u32| items.get(item as usize).map_or("?", String::as_str);
    for found in found.rules.iter().take(LISTED) {
        let rule = &found.rule;
        let before: Vec<&str> = rule.antecedent().iter().map(|&item| name_of(item)).collect();
        writeln!(
            out,
            "  {} -> {}: {} of {} baskets, lift {:.2}, leverage {:.4}, p {:.2} against chance",
            before.join(" and "),
            name_of(rule.consequent()),
            number(rule.both().into()),
            number(rule.antecedent_count().into()),
            rule.lift(),
            rule.leverage(),
            found.p_value()
        )?;
    }
    Ok(())
}

/// How many of the ten best came true on average.
fn precision<'a>(
    suggested: impl Iterator<Item = Vec<u32>>,
    wanted: impl Iterator<Item = &'a BTreeSet<u32>>,
) -> Result<(Share, u64), Box<dyn Error>> {
    let (mut hits, mut customers) = (0_u64, 0_u64);
    for (suggested, wanted) in suggested.zip(wanted).filter(|(_, wanted)| !wanted.is_empty()) {
        customers += 1;
        hits += u64::try_from(suggested.iter().filter(|item| wanted.contains(item)).count())?;
    }
    Ok((Share::of(hits, 10 * customers)?.unwrap_or_default(), customers))
}

fn items_of(suggested: &[Suggestion]) -> Vec<u32> {
    suggested.iter().map(|suggestion| suggestion.item).collect()
}

/// Suggests as of some time ago, and looks at what was bought since. Says how often suggestions of both kinds came true.
fn judged(out: &mut dyn Write, sold: &Sold, half_life: f64) -> Result<(Share, Share), Box<dyn Error>> {
    let cut = sold.today - KEPT_BACK;
    let needs = Needs::from_columns(&sold.customer, &sold.item, &sold.day, cut - 1, half_life)?;
    let mut before = vec![BTreeSet::new(); sold.customers.len()];
    let (mut after, mut buyers) = (before.clone(), vec![BTreeSet::new(); sold.items.len()]);
    for ((&customer, &item), &day) in sold.customer.iter().zip(&sold.item).zip(&sold.day) {
        let set = if day < cut { &mut before } else { &mut after };
        if let Some(set) = set.get_mut(customer as usize) {
            set.insert(item);
        }
        if let (true, Some(buyers)) = (day < cut, buyers.get_mut(item as usize)) {
            buyers.insert(customer);
        }
    }
    // Who is not known yet, and what was not sold yet, cannot be suggested.
    for (before, after) in before.iter().zip(&mut after) {
        after.retain(|&item| {
            !before.is_empty() && buyers.get(item as usize).is_some_and(|all| !all.is_empty())
        });
    }
    let new: Vec<BTreeSet<u32>> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    let mut popular: Vec<(usize, u32)> = (0..).zip(&buyers).map(|(item, all)| (all.len(), item)).collect();
    popular.sort_by_key(|&(buyers, item)| (std::cmp::Reverse(buyers), item));
    let best_of = |known: &BTreeSet<u32>| {
        popular
            .iter()
            .map(|&(_, item)| item)
            .filter(|item| !known.contains(item))
            .take(10)
            .collect::<Vec<u32>>()
    };
    let all = u32::try_from(sold.customers.len())?;
    let (again, who) =
        precision((0..all).map(|customer| items_of(&needs.buy_again(customer, 10))), after.iter())?;
    let (cross, who_new) = precision(needs.cross_sell_all(10).iter().map(|all| items_of(all)), new.iter())?;
    let nothing = BTreeSet::new();
    let (top, _) = precision(before.iter().map(|_| best_of(&nothing)), after.iter())?;
    let (top_new, _) = precision(before.iter().map(best_of), new.iter())?;
    writeln!(
        out,
        "\nWhat customers need: suggested {KEPT_BACK} days before the end, and held against what they bought then\n  \
         of ten items to buy again {again} were bought, of the ten most popular {top}; n = {} customers\n  \
         of ten items new to the customer {cross} were bought, of the ten most popular new ones {top_new}; n = {}",
        number(who),
        number(who_new)
    )?;
    Ok((again, cross))
}

/// One customer, as far as the examples tell of them.
struct Known {
    who: &'static str,
    /// The number in the columns; `None` for a prospect.
    customer: Option<u32>,
    worth: Money,
    p_alive: Option<Share>,
    next: Option<Horizon>,
    complains: bool,
    asks: bool,
}

/// What to do next for some customers.
fn next_steps(out: &mut dyn Write, sold: &Sold, half_life: f64, again: Share, new: Share) -> Done {
    let today = date(sold.today);
    let summaries: Vec<Option<Summary>> =
        sold.histories()?.iter().map(|history| Summary::of(history, today)).collect();
    let week = TimeUnit::WEEK;
    let purchases = MbgNbd::fit(summaries.iter().flatten().map(|summary| summary.buyer(week)))?;
    let spends = summaries.iter().flatten().map(Summary::spend).filter(|spend| spend.mean() > 0.0);
    let spend = GammaGamma::fit(spends)?;
    let model = purchases.model();
    let year = Horizon::of(1.0, TimeUnit::YEAR, week)?;
    let discount = Discount::of(0.1, TimeUnit::YEAR, week)?;
    let value = LifetimeValue::new(model, spend.model(), year, discount, Share::new(0.3)?);
    let mut worths: Vec<(f64, u32)> = Vec::new();
    let mut fading: Option<(f64, u32)> = None;
    for (customer, summary) in (0..).zip(&summaries) {
        let Some(summary) = summary else { continue };
        let buyer = summary.buyer(week);
        let p_alive = model.p_alive(buyer);
        worths.push((value.value(buyer, summary.spend()), customer));
        if buyer.frequency() > 2 && fading.is_none_or(|(least, _)| p_alive < least) {
            fading = Some((p_alive, customer));
        }
    }
    worths.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let known = |who, customer: u32, complains, asks| -> Result<Known, Box<dyn Error>> {
        let summary = summaries.get(customer as usize).and_then(Option::as_ref).ok_or("nobody buys here")?;
        let buyer = summary.buyer(week);
        Ok(Known {
            who,
            customer: Some(customer),
            worth: Money::rounded(value.value(buyer, summary.spend()), sold.currency)?,
            p_alive: Some(Share::new(model.p_alive(buyer))?),
            next: model.next_purchase(buyer, Share::new(0.5)?),
            complains,
            asks,
        })
    };
    let at = |place: usize| worths.get(place).map(|worth| worth.1).ok_or("too few customers");
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 customers")]
    let mean = worths.iter().map(|worth| worth.0).sum::<f64>() / worths.len() as f64;
    let twentieth = worths.get(worths.len() / 20).map_or(mean, |worth| worth.0);
    let best = Money::rounded(twentieth, sold.currency)?;
    let prospect = Known {
        who: "a prospect, who asks the same",
        customer: None,
        worth: Money::rounded(mean, sold.currency)?,
        p_alive: None,
        next: None,
        complains: false,
        asks: true,
    };
    let customers = [
        known("one of the best customers, who asks for a quotation", at(3)?, false, true)?,
        prospect,
        known("another of the best, of whom nothing is heard", at(4)?, false, false)?,
        known("another of the best, with an open complaint", at(5)?, true, false)?,
        known("a good customer who seems to have left", fading.ok_or("nobody came back")?.1, false, false)?,
    ];
    let needs = Needs::from_columns(&sold.customer, &sold.item, &sold.day, sold.today, half_life)?;
    writeln!(
        out,
        "\nWhat to do next, at 10:00 on {today} (MBG/NBD and Gamma-Gamma of {} customers)",
        number(u64::try_from(worths.len())?)
    )?;
    for customer in &customers {
        next_step(out, sold, &needs, customer, best, [again, new])?;
    }
    Ok(())
}

fn date(day: i32) -> NaiveDate {
    NaiveDate::default() + TimeDelta::days(day.into())
}

/// What can be done, for whom: conditions of each action, its worth and its cost.
fn menu(
    sold: &Sold,
    complains: bool,
    best: Money,
    again: &[Suggestion],
    new: &[Suggestion],
    [p_again, p_new]: [Share; 2],
) -> Result<ActionMenu, Box<dyn Error>> {
    let money = |amount: f64| {
        Money::rounded(amount * 10_f64.powi(i32::from(sold.currency.exponent())), sold.currency)
    };
    let service = |name| Action::new(Tag::literal(name), ContactCategory::Service, Purpose::CustomerCare);
    let offer = |name, category| {
        Action::new(Tag::literal(name), category, Purpose::DirectMarketing).via(Touchpoint::Email)
    };
    let quotation = Tag::literal("quotation");
    let mut actions = vec![
        service("call_with_quotation")
            .via(Touchpoint::PhoneCallCentre)
            .answering(quotation)
            .from_worth(best)
            .value_of_worth(Share::new(0.2)?)
            .probability(Share::new(0.5)?)
            .cost(money(4.0)?),
        service("send_quotation")
            .via(Touchpoint::Email)
            .answering(quotation)
            .value_of_worth(Share::new(0.05)?)
            .probability(Share::new(0.3)?)
            .cost(money(0.05)?),
        offer("newsletter", ContactCategory::Marketing)
            .value(money(5.0)?)
            .probability(Share::new(0.02)?)
            .cost(money(0.02)?),
        offer("win_back_voucher", ContactCategory::Marketing)
            .not_due_within(60)
            .value_of_worth(Share::new(0.5)?)
            .probability(Share::new(0.05)?)
            .cost(money(0.05)?),
    ];
    if complains {
        actions.push(
            service("call_and_put_right")
                .via(Touchpoint::PhoneCallCentre)
                .value_of_worth(Share::new(0.3)?)
                .probability(Share::new(0.6)?)
                .cost(money(8.0)?),
        );
    }
    if let Some(item) = again.first() {
        let action = offer("remind_to_buy_again", ContactCategory::Offer).of_item(item.item).due_within(30);
        actions.push(action.value(money(5.0)?).probability(p_again).cost(money(0.02)?));
    }
    if let Some(item) = new.first() {
        let action = offer("suggest_a_new_item", ContactCategory::Offer).of_item(item.item);
        actions.push(action.value(money(5.0)?).probability(p_new).cost(money(0.02)?));
    }
    Ok(ActionMenu::new(actions, None)?)
}

/// What is done for one customer, why, and why not the rest.
fn next_step(
    out: &mut dyn Write,
    sold: &Sold,
    needs: &Needs,
    known: &Known,
    best: Money,
    came_true: [Share; 2],
) -> Done {
    let at = date(sold.today).and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(10);
    let id = CustomerId::derive(&[
        "shop",
        &known.customer.map_or("prospect".to_owned(), |number| number.to_string()),
    ]);
    let (again, new) = known.customer.map_or((Vec::new(), Vec::new()), |customer| {
        (needs.buy_again(customer, LISTED), needs.cross_sell(customer, LISTED))
    });
    let name = known.customer.and_then(|customer| sold.customers.get(customer as usize));
    write!(
        out,
        "\n{} ({}): worth {} within a year",
        known.who,
        name.map_or("not known yet", String::as_str),
        known.worth
    )?;
    if let Some(p_alive) = known.p_alive {
        let next = known.next.map_or("rather never".to_owned(), |next| {
            format!("within {:.0} days", next.length() * TimeUnit::WEEK.days())
        });
        write!(out, ", P(alive) {p_alive}, buys again {next} (even odds)")?;
    }
    writeln!(out)?;
    let named = |suggestions: &[Suggestion]| {
        let name = |item: u32| sold.items.get(item as usize).map_or("?", String::as_str);
        let told = suggestions.iter().take(2).map(|suggestion| {
            let because: Vec<&str> = suggestion.because.iter().map(|because| name(because.item)).collect();
            format!("{} (because of {})", name(suggestion.item), because.join(", "))
        });
        told.collect::<Vec<_>>().join("; ")
    };
    if !new.is_empty() {
        writeln!(out, "  may want: {}", named(&new))?;
    }

    // Customers agreed to advertising when they first bought; nobody asked the prospect.
    let since = at - TimeDelta::days(300);
    let consents: Vec<ConsentRecord> = match known.customer {
        Some(_) => {
            let record = ConsentId::derive(&["shop", &id.to_string()]);
            vec![ConsentRecord::new(record, id, Purpose::DirectMarketing, ConsentStatus::Given, since)?]
        }
        None => Vec::new(),
    };
    let mut facts = ContactFacts::new().consents(&consents);
    if known.complains {
        facts = facts.excluded(OPEN_COMPLAINT, None);
    }
    let call = Interaction::builder(InteractionId::derive(&["shop", &id.to_string()]), id, at)
        .at_place(Channel::CallCentre, Touchpoint::PhoneCallCentre, Engagement::Sales)
        .reason(Tag::literal("quotation"))
        .build()?;
    let suggestions = [again.as_slice(), new.as_slice()].concat();
    let mut situation = Situation::new(facts).worth(known.worth).suggestions(&suggestions);
    if known.customer.is_some() {
        situation = situation.next_purchase(known.next, TimeUnit::WEEK, at);
    }
    if known.asks {
        situation = situation.inquiry(&call);
    }
    let menu = menu(sold, known.complains, best, &again, &new, came_true)?;
    let next = menu.next_best(&situation, &policy()?, &Utc, at)?;
    show(out, &next)
}

/// Nights and Sundays are quiet, and nobody gets more than two offers a week.
fn policy() -> Result<ContactPolicy, Box<dyn Error>> {
    let cap = FrequencyCap::new(Tag::literal("two_offers_a_week"), 2, CapWindow::Week)?;
    let policy = ContactPolicy::default()
        .resting_on(Purpose::CustomerCare, LegalBasis::Contract)
        .quiet("20:00-09:00".parse()?)
        .quiet("00:00-24:00 sun".parse()?)
        .cap(cap.of(ContactCategory::Offer));
    policy.check()?;
    Ok(policy)
}

fn show(out: &mut dyn Write, next: &NextBestAction) -> Done {
    let Some(chosen) = next.chosen() else {
        let again = next.ask_again().map_or(String::new(), |at| format!(", ask again at {at}"));
        writeln!(out, "  do nothing now{again}")?;
        return excluded(out, next);
    };
    let because: Vec<String> = chosen.because.iter().map(Because::to_string).collect();
    writeln!(
        out,
        "  do {} by {}: {} x {} - {} = {}, because {}",
        chosen.action,
        chosen.via,
        chosen.probability,
        chosen.value,
        chosen.cost,
        chosen.expected,
        because.join(", ")
    )?;
    for other in next.ranked().iter().skip(1) {
        writeln!(out, "  or {} by {}: {}", other.action, other.via, other.expected)?;
    }
    excluded(out, next)
}

fn excluded(out: &mut dyn Write, next: &NextBestAction) -> Done {
    for excluded in next.excluded() {
        let because: Vec<String> = excluded.because.iter().map(why_not).collect();
        writeln!(out, "  not {}: {}", excluded.action, because.join(", "))?;
    }
    Ok(())
}

fn why_not(because: &NotNow) -> String {
    let day = |at: DateTime<Utc>| at.date_naive().to_string();
    match because {
        NotNow::OtherReason => "they did not ask for it".to_owned(),
        NotNow::WorthBelow { worth, least } => format!("worth {worth}, it takes {least}"),
        NotNow::ServiceFirst => "a complaint is open: service comes first".to_owned(),
        NotNow::NextPurchaseUnknown => "not known when they buy".to_owned(),
        NotNow::NotDue { expected: None, .. } => "rather never buys again".to_owned(),
        NotNow::NotDue { expected: Some(expected), within_days } => {
            format!("expected on {}, not within {within_days} days", day(*expected))
        }
        NotNow::DueAnyway { expected, .. } => format!("comes anyway, expected on {}", day(*expected)),
        NotNow::DoesNotPay { expected } => format!("brings {expected}"),
        NotNow::Contact { via, failed, earliest } => {
            let failed: Vec<String> = failed.iter().map(|failed| failed.because.to_string()).collect();
            let earliest = earliest.map_or("no instant known".to_owned(), |at| format!("allowed at {at}"));
            format!("not by {via} ({}), {earliest}", failed.join(", "))
        }
        other => format!("{other:?}"),
    }
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    run(std::env::args().skip(1), &mut std::io::stdout().lock())
}
