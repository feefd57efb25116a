//! What the user asks for on the command line.

use patronage::Currency;
use std::error::Error;
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
Reviews the customers of a company: who is worth most, where they are lost, what happens next.

  --store PATH         the SQLite file to keep everything in        [customer_review.sqlite]
  --purchases CSV      your purchases: columns customer, at, amount; optional cost, category
  --interactions CSV   your interactions: columns customer, at; optional channel, touchpoint, engagement, direction,
                       reason, outcome, wait_s, handle_s, transfers, cost, sentiment (-1..1), effort (1..7, 7 is easy),
                       escalated_to, unanswered_because
  --currency CODE      the currency of your amounts                  [USD]
  --sample             the 1/10 sample of CDNOW instead of all 23,570 customers

Without --purchases it takes the real purchases of CDNOW, and, without --interactions, simulates interactions around
them with planted pain points. With your own purchases nothing is simulated.
Times are instants of ISO 8601 (2026-03-01T10:00:00Z) or dates (2026-03-01), which are taken as noon in UTC.
";

pub(crate) struct Options {
    pub(crate) store: PathBuf,
    pub(crate) purchases: Option<PathBuf>,
    pub(crate) interactions: Option<PathBuf>,
    pub(crate) currency: Currency,
    pub(crate) sample: bool,
    pub(crate) help: bool,
}

impl Options {
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            store: PathBuf::from("customer_review.sqlite"),
            purchases: None,
            interactions: None,
            currency: Currency::USD,
            sample: false,
            help: false,
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value; see --help"));
            match argument.as_str() {
                "--store" => options.store = value()?.into(),
                "--purchases" => options.purchases = Some(value()?.into()),
                "--interactions" => options.interactions = Some(value()?.into()),
                "--currency" => options.currency = value()?.parse()?,
                "--sample" => options.sample = true,
                "--help" | "-h" => options.help = true,
                _ => return Err(format!("{argument} is not known; see --help").into()),
            }
        }
        Ok(options)
    }
}
