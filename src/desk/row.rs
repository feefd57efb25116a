use crate::customer::CustomerId;
use crate::segment::RfmRow;
use crate::value::{Buyer, RepeatSpend};

/// What a review keeps of a buyer: no names, no strings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) customer: CustomerId,
    pub(super) buyer: Buyer,
    pub(super) spend: RepeatSpend,
    pub(super) rfm: RfmRow,
    pub(super) last_purchase: i32,
}

/// What is expected of each row, in the order of the rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) p_alive: f64,
    pub(super) purchases: f64,
    pub(super) value: f64,
}
