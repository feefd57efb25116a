//! A made-up log like that of a busy company: journeys of ten events on average over 20 touch points, some ways far more
//! usual than others, pauses from a second to a day; in the order of time, customers mixed.

use super::cpu::Random;
use chrono::DateTime;
use patronage::customer::CustomerId;
use patronage::interaction::{Channel, Engagement, Interaction, InteractionId, Touchpoint};
use patronage::journey::Activities;
use std::fmt;
use uuid::Uuid;

pub const TOUCHPOINTS: usize = 20;

pub struct Events {
    pub customers: Vec<u32>,
    pub times: Vec<i64>,
    pub activities: Vec<u16>,
}

/// For each touch point, how likely each one follows, added up.
fn ways(random: &mut Random) -> Vec<Vec<f64>> {
    let row = |random: &mut Random| {
        let weights: Vec<f64> = (0..TOUCHPOINTS).map(|_| random.share().powi(4)).collect();
        let whole: f64 = weights.iter().sum();
        let add = |sum: &mut f64, weight: f64| {
            *sum += weight / whole;
            Some(*sum)
        };
        weights.into_iter().scan(0.0, add).collect()
    };
    (0..TOUCHPOINTS).map(|_| row(random)).collect()
}

pub fn events(count: usize) -> Events {
    let mut random = Random(42);
    let ways = ways(&mut random);
    let mut rows: Vec<(i64, u32, u16)> = Vec::with_capacity(count);
    let mut customer = 0;
    while rows.len() < count {
        let mut time = 1_600_000_000_000_000 + (random.share() * 31_536_000e6) as i64;
        let mut here = (random.share() * 4.0) as usize;
        while rows.len() < count {
            rows.push((time, customer, here as u16));
            if random.share() < 0.1 {
                break;
            }
            let next = random.share();
            here = ways[here].iter().position(|&sum| next <= sum).unwrap_or(TOUCHPOINTS - 1);
            time += (1e6 + 86_400e6 * random.share().powi(3)) as i64;
        }
        customer += 1;
    }
    rows.sort_unstable();
    Events {
        customers: rows.iter().map(|row| row.1).collect(),
        times: rows.iter().map(|row| row.0).collect(),
        activities: rows.iter().map(|row| row.2).collect(),
    }
}

pub fn names() -> Activities {
    Activities::new((0..TOUCHPOINTS).map(|n| format!("touchpoint_{n:02}"))).expect("twenty names")
}

/// Channel and touch point.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place(Channel, Touchpoint);

impl Place {
    pub fn of(one: &Interaction) -> Self {
        Self(one.channel(), one.touchpoint())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.0, self.1)
    }
}

/// How the twenty touch points are told.
#[derive(Clone, Copy)]
pub enum Terms {
    /// By channel and touch point together, all of which every program knows.
    Known,
    /// Half of them by touch points of the company's own.
    HalfOwn,
}

impl Terms {
    fn places(self) -> Vec<Place> {
        let known = Touchpoint::KNOWN;
        let place = |number: usize| match (self, known.get(number)) {
            (Self::HalfOwn, None) => {
                let own = format!("touchpoint_{number:02}").parse().expect("a tag");
                Place(Channel::Web, Touchpoint::Other(own))
            }
            _ => Place(Channel::KNOWN[number / known.len()], known[number % known.len()]),
        };
        (0..TOUCHPOINTS).map(place).collect()
    }
}

/// The same events as interactions of customers with random identifiers.
pub fn interactions(events: &Events, terms: Terms) -> Vec<Interaction> {
    let mut random = Random(7);
    let places = terms.places();
    let most = events.customers.iter().max().map_or(0, |&most| most as usize + 1);
    let mut id = || Uuid::from_u64_pair(random.next(), random.next());
    let ids: Vec<CustomerId> = (0..most).map(|_| CustomerId::new(id())).collect();
    let rows = events.customers.iter().zip(&events.times).zip(&events.activities);
    rows.map(|((&customer, &time), &activity)| {
        let at = DateTime::from_timestamp_micros(time).expect("an instant");
        let Place(channel, touchpoint) = places[usize::from(activity)];
        Interaction::builder(InteractionId::new(id()), ids[customer as usize], at)
            .at_place(channel, touchpoint, Engagement::Support)
            .build()
            .expect("an interaction")
    })
    .collect()
}
