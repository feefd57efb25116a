//! The main job, end to end: who is worth most, where do we lose them, what happens next.
//!
//! `cargo run --release --example customer_review --features blocking,simulate,sqlite`, and `-- --help` for your own
//! files. What it stores is kept: a second run on the same file changes nothing and sends nothing twice.

mod import;
mod keep;
#[path = "../support/number.rs"]
mod number;
mod options;
mod show;

use import::Import;
use options::Options;
use patronage::customer::CustomerId;
use patronage::desk::{Desk, ReviewSettings, Settings};
use patronage::interaction::Interaction;
use patronage::lifecycle::LifecycleHistory;
use patronage::notify::MemoryNotifier;
use patronage::purchase::Purchase;
use patronage::simulate::{self, Buyer, Company, Lives, Purchases};
use patronage::store::{Blocking, SqliteStore};
use patronage::{Money, Period};

use chrono::{DateTime, Days, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

const SEED: u64 = 1997;

/// Says what a step did and how long it took.
struct Steps {
    started: Instant,
}

impl Steps {
    #[expect(clippy::disallowed_methods, reason = "a program may read the clock; the library does not")]
    fn begin() -> Self {
        Self { started: Instant::now() }
    }

    fn done(&mut self, out: &mut dyn Write, what: &str) -> std::io::Result<()> {
        let seconds = self.started.elapsed().as_secs_f64();
        *self = Self::begin();
        writeln!(out, "{what:<86}{seconds:>7.2} s")
    }
}

/// Shows on the terminal how far a long step is.
fn progress(what: &str, done: u64) {
    #[expect(clippy::print_stderr, reason = "progress belongs on the terminal, not into the output")]
    {
        eprintln!("  ... {} {what}", show::number(done));
    }
}

/// Reviews a company and prints what it finds.
///
/// # Errors
/// When a file cannot be read, or the store fails.
pub(crate) fn run(
    arguments: impl IntoIterator<Item = String>,
    out: &mut dyn Write,
) -> Result<(), Box<dyn Error>> {
    let options = Options::parse(arguments)?;
    if options.help {
        return Ok(write!(out, "{}", options::HELP)?);
    }
    let mut steps = Steps::begin();

    // 1. Read.
    let cdnow = options.purchases.is_none();
    let read = if let Some(path) = &options.purchases {
        import::purchases(path, options.currency)?
    } else {
        let file = if options.sample { "CDNOW_sample.txt" } else { "CDNOW_master.txt" };
        import::cdnow(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/cdnow").join(file))?
    };
    let own =
        options.interactions.as_ref().map(|path| import::interactions(path, options.currency)).transpose()?;
    let mut names: BTreeMap<CustomerId, String> = BTreeMap::new();
    let (purchases, mut refused) = named(read, &mut names, Purchase::customer);
    let (contacts, also) =
        own.map_or_else(Default::default, |own| named(own, &mut names, Interaction::customer));
    refused.extend(also);
    for line in refused.iter().take(20) {
        writeln!(out, "refused: {line}")?;
    }
    if refused.len() > 20 {
        writeln!(out, "refused: {} more", refused.len() - 20)?;
    }
    let instants = purchases.iter().map(Purchase::at).chain(contacts.iter().map(Interaction::at));
    let Some(last) = instants.max() else { return Err("there is nothing to review".into()) };
    // The day after the last event: everything has happened by then.
    let as_of = (last + TimeDelta::days(1)).date_naive().and_hms_opt(0, 0, 0).ok_or("no midnight")?.and_utc();
    let what = format!(
        "read {} purchases and {} interactions of {} customers, {} rows refused",
        show::number(purchases.len() as u64),
        show::number(contacts.len() as u64),
        show::number(names.len() as u64),
        refused.len()
    );
    steps.done(out, &what)?;

    // 2. Keep.
    let store = SqliteStore::open(&options.store)?;
    let desk = Blocking::new(Desk::new(store, MemoryNotifier::new(), Settings::default()));
    let store = Blocking::new(desk.get_ref().store());
    let mut since: BTreeMap<CustomerId, DateTime<Utc>> = BTreeMap::new();
    for (customer, at) in purchases
        .iter()
        .map(|purchase| (purchase.customer(), purchase.at()))
        .chain(contacts.iter().map(|contact| (contact.customer(), contact.at())))
    {
        since.entry(customer).and_modify(|first| *first = at.min(*first)).or_insert(at);
    }
    let customers = keep::customers(&store, &since, as_of)?;
    let bought = keep::purchases(&store, &purchases, as_of)?;
    let what = format!(
        "kept {} new customers and {} new purchases in {}",
        show::number(customers.new),
        show::number(bought.new),
        options.store.display()
    );
    steps.done(out, &what)?;

    // 3. Live: simulated contacts around the real purchases of CDNOW, or the user's own.
    let instants = by_customer(&purchases);
    let facts =
        if cdnow && options.interactions.is_none() { observed(&instants, as_of)? } else { Vec::new() };
    let lives = if facts.is_empty() {
        None
    } else {
        Some(simulate::interactions(&facts, &Company::default(), Purchases::Given, SEED)?)
    };
    let mut report = |done| progress("interactions kept", done);
    let kept_lives = match &lives {
        Some(lives) => keep::lives(&store, simulated(lives), as_of, &mut report)?,
        None => keep::lives(&store, owned(contacts), as_of, &mut report)?,
    };
    let kind = if lives.is_some() { "simulated" } else { "own" };
    steps.done(out, &format!("kept {} new interactions ({kind})", show::number(kept_lives.new)))?;

    // 4. Review.
    let settings = ReviewSettings::new(options.currency).acting_from(
        Money::from_decimal("10", options.currency)?,
        Money::from_decimal("1000", options.currency)?,
    )?;
    let review = desk.review(as_of, &settings)?;
    let what = format!("reviewed {} customers as of {}", show::number(review.customers), as_of.date_naive());
    steps.done(out, &what)?;

    // 5. Deliver.
    let deliveries = desk.run_due(as_of + Days::new(1))?;
    steps.done(out, &format!("delivered {} notifications", show::number(deliveries.delivered)))?;

    // 6. Show.
    show::segments(out, &review)?;
    show::most_valuable(out, &review, &names)?;
    show::pain_points(out, &review, lives.as_ref().map(Lives::truth))?;
    show::scheduled(out, &review, &names)?;
    let new = customers.new + bought.new + kept_lives.new;
    if new == 0 && review.scheduled.is_empty() && deliveries.delivered == 0 {
        let known = show::number(customers.known + bought.known + kept_lives.known);
        writeln!(out, "\nnothing new: {known} rows were known, nothing was scheduled, nothing was sent")?;
    }
    Ok(())
}

fn named<T>(
    import: Import<(String, T)>,
    names: &mut BTreeMap<CustomerId, String>,
    customer: impl Fn(&T) -> CustomerId,
) -> (Vec<T>, Vec<import::Refused>) {
    let rows = import.rows.into_iter().map(|(name, row)| {
        names.entry(customer(&row)).or_insert(name);
        row
    });
    (rows.collect(), import.refused)
}

/// The instants of the purchases of each customer, in order of time.
fn by_customer(purchases: &[Purchase]) -> Vec<(CustomerId, Vec<DateTime<Utc>>)> {
    let mut instants: BTreeMap<CustomerId, Vec<DateTime<Utc>>> = BTreeMap::new();
    for purchase in purchases {
        instants.entry(purchase.customer()).or_default().push(purchase.at());
    }
    let sorted = instants.into_iter().map(|(customer, mut instants)| {
        instants.sort_unstable();
        (customer, instants)
    });
    sorted.collect()
}

/// What the simulation is told: everybody is watched from three months before the first purchase of all.
fn observed(
    instants: &[(CustomerId, Vec<DateTime<Utc>>)],
    as_of: DateTime<Utc>,
) -> Result<Vec<Buyer<'_>>, Box<dyn Error>> {
    let first = instants.iter().filter_map(|(_, instants)| instants.first()).min().ok_or("no purchases")?;
    let watched = Period::new(*first - TimeDelta::days(92), as_of)?;
    let buyers = instants.iter().map(|(customer, instants)| Ok(Buyer::new(*customer, instants, watched)?));
    buyers.collect()
}

type Life = Result<(CustomerId, Vec<Interaction>, LifecycleHistory), Box<dyn Error>>;

fn simulated<'a>(lives: &'a Lives<'_>) -> impl Iterator<Item = Life> + 'a {
    lives.iter().map(|life| {
        let life = life?;
        let customer = life.customer();
        let (contacts, lifecycle) = life.into_parts();
        Ok((customer, contacts, lifecycle))
    })
}

fn owned(contacts: Vec<Interaction>) -> impl Iterator<Item = Life> {
    contacts.into_iter().map(|contact| Ok((contact.customer(), vec![contact], LifecycleHistory::new())))
}

#[allow(dead_code, reason = "tests include this file as a module and call `run`")]
fn main() -> Result<(), Box<dyn Error>> {
    run(std::env::args().skip(1), &mut std::io::stdout().lock())
}
