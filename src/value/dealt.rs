use super::{PurchaseLog, ValueError};
use crate::validation::ValidationError;

/// Deals the rows of a log out to the customers 0 to `customers` - 1, and shows those up to the day `until` of one
/// customer after the other, in order of their days. Returns how many rows lie later.
///
/// Rows go to blocks of customers first and within each block to its customers, because a block fits the cache.
pub(super) fn each_customer(
    log: PurchaseLog<'_>,
    customers: u32,
    until: i32,
    mut visit: impl FnMut(u32, &[(i32, i64)]),
) -> Result<u64, ValueError> {
    let bits = bits_of_a_block(customers);
    let block_of = |customer: u32| usize::try_from(customer >> bits).unwrap_or(usize::MAX);
    // How many rows each block has, then where the next of them goes.
    let mut places = vec![0_u32; block_of(customers).saturating_add(1)];
    let mut after = 0;
    for (row, (&customer, &day)) in log.customer.iter().zip(log.day).enumerate() {
        if customer >= customers {
            let rule = "must be below the number of customers";
            let rule = ValidationError::new("customer", rule, customer);
            return Err(ValueError::Row { row, rule });
        }
        if day > until {
            after += 1;
        } else if let Some(place) = places.get_mut(block_of(customer)) {
            *place += 1;
        }
    }
    let mut dealt = vec![(0_u32, 0_i32, 0_i64); starts(&mut places)];
    for ((&customer, &day), &spend) in log.customer.iter().zip(log.day).zip(log.spend_minor) {
        if day <= until {
            put(&mut dealt, places.get_mut(block_of(customer)), (customer, day, spend));
        }
    }
    // Each place has moved on to the end of its block.
    let (mut rest, mut start, mut first) = (dealt.as_slice(), 0, 0_u32);
    let mut block = Block::default();
    for &end in &places {
        let (rows, later) = rest.split_at(usize::try_from(end - start).unwrap_or_default());
        (rest, start) = (later, end);
        let next = customers.min(first.saturating_add(1 << bits));
        block.each_customer(rows, first, next, &mut visit);
        first = next;
    }
    Ok(after)
}

/// The customers of a block as a power of two: few enough for the cache, and so many that there are at most a thousand
/// blocks.
fn bits_of_a_block(customers: u32) -> u32 {
    (u32::BITS - customers.leading_zeros()).saturating_sub(10).max(12)
}

/// Room for the rows of one block, used again for the next.
#[derive(Default)]
struct Block {
    ends: Vec<u32>,
    events: Vec<(i32, i64)>,
}

impl Block {
    fn each_customer(
        &mut self,
        rows: &[(u32, i32, i64)],
        first: u32,
        next: u32,
        visit: &mut impl FnMut(u32, &[(i32, i64)]),
    ) {
        let index = |customer: u32| usize::try_from(customer - first).unwrap_or(usize::MAX);
        self.ends.clear();
        self.ends.resize(index(next), 0);
        self.events.resize(rows.len().max(self.events.len()), (0, 0));
        for &(customer, ..) in rows {
            if let Some(count) = self.ends.get_mut(index(customer)) {
                *count += 1;
            }
        }
        starts(&mut self.ends);
        for &(customer, day, spend) in rows {
            put(&mut self.events, self.ends.get_mut(index(customer)), (day, spend));
        }
        let (mut rest, mut start) = (self.events.as_mut_slice(), 0);
        for (customer, &end) in (first..next).zip(&self.ends) {
            let length = usize::try_from(end - start).unwrap_or_default();
            let (events, later) = std::mem::take(&mut rest).split_at_mut(length);
            (rest, start) = (later, end);
            if !events.is_sorted_by_key(|event| event.0) {
                events.sort_unstable_by_key(|event| event.0);
            }
            visit(customer, events);
        }
    }
}

/// Turns counts into the places at which each begins, and says how many there are in all.
fn starts(counts: &mut [u32]) -> usize {
    let mut total = 0;
    for count in counts {
        (*count, total) = (total, total + *count);
    }
    usize::try_from(total).unwrap_or(usize::MAX)
}

/// Puts an item where the next one goes.
fn put<T>(items: &mut [T], place: Option<&mut u32>, item: T) {
    let Some(place) = place else { return };
    if let Some(slot) = usize::try_from(*place).ok().and_then(|place| items.get_mut(place)) {
        *slot = item;
    }
    *place += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_fits_the_cache_and_there_are_a_thousand_at_most() {
        for (customers, bits) in [(0, 12), (4_096, 12), (1 << 22, 13), (u32::MAX, 22)] {
            assert_eq!(bits_of_a_block(customers), bits);
        }
    }
}
