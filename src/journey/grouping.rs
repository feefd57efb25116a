//! Events put together by customer and into the order of time, in two steps that stay within the caches: first into
//! buckets of neighbouring customers, then each bucket by customer.

/// How many events a bucket holds on average, and how many buckets there are at most.
const BUCKET: usize = 4_096;
const MOST_BUCKETS: usize = 256;

/// Events by customer, then time; those of one customer at one instant in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Grouped {
    /// The customers that have events, ascending.
    pub(super) customers: Vec<u32>,
    /// The first event of each, and the number of events.
    pub(super) starts: Vec<usize>,
    pub(super) times: Vec<i64>,
    pub(super) activities: Vec<u16>,
}

impl Grouped {
    /// Groups columns of equal length; `codes` is above every customer.
    pub(super) fn of(customers: &[u32], times: &[i64], activities: &[u16], codes: usize) -> Self {
        if customers.iter().zip(times).is_sorted() {
            return Self::in_order(customers, times, activities);
        }
        let count = customers.len();
        let buckets = (count / BUCKET).clamp(1, MOST_BUCKETS);
        // The least width of a bucket, a power of two, by which so many buckets hold all codes.
        let shift = codes.div_ceil(buckets).next_power_of_two().trailing_zeros();
        let (mut all, numbers) = scattered(customers, times, activities, (codes >> shift) + 1, shift);
        let in_time = times.is_sorted();
        // Where the next event of each customer of the bucket goes.
        let mut places: Vec<usize> = Vec::new();
        let mut bucket: Vec<(i64, u16)> = Vec::new();
        let mut first = 0;
        for own in numbers.chunk_by(|a, b| a >> shift == b >> shift) {
            let range = first..first + own.len();
            let (Some(times), Some(activities), Some(&low)) =
                (all.times.get_mut(range.clone()), all.activities.get_mut(range), own.first())
            else {
                break;
            };
            let low = low >> shift << shift;
            places.clear();
            places.resize((1 << shift) + 1, 0);
            for &customer in own {
                if let Some(count) = places.get_mut((customer - low) as usize + 1) {
                    *count += 1;
                }
            }
            let mut before = 0;
            for (customer, place) in (low..).zip(places.iter_mut().skip(1)) {
                let count = *place;
                if count > 0 {
                    all.customers.push(customer);
                    all.starts.push(first + before);
                }
                *place = before;
                before += count;
            }
            bucket.clear();
            bucket.extend(times.iter().copied().zip(activities.iter().copied()));
            for (&customer, &event) in own.iter().zip(&bucket) {
                if let Some(place) = places.get_mut((customer - low) as usize + 1) {
                    if let (Some(time), Some(activity)) = (times.get_mut(*place), activities.get_mut(*place))
                    {
                        (*time, *activity) = event;
                    }
                    *place += 1;
                }
            }
            if !in_time {
                // Each place now stands where the next customer begins.
                let mut from = 0;
                for &to in places.iter().skip(1) {
                    if let (Some(times), Some(activities)) =
                        (times.get_mut(from..to), activities.get_mut(from..to))
                    {
                        sort_by_time(times, activities, &mut bucket);
                    }
                    from = to;
                }
            }
            first += own.len();
        }
        all.starts.push(customers.len());
        all
    }

    /// Copies what is grouped already.
    fn in_order(customers: &[u32], times: &[i64], activities: &[u16]) -> Self {
        let mut all = Self { times: times.to_vec(), activities: activities.to_vec(), ..Self::default() };
        let mut first = 0;
        for run in customers.chunk_by(|a, b| a == b) {
            all.customers.extend(run.first());
            all.starts.push(first);
            first += run.len();
        }
        all.starts.push(first);
        all
    }

    /// How many pairs of neighbouring events of one customer share their instant.
    pub(super) fn ties(&self) -> u64 {
        let next = self.times.iter().skip(1);
        let all: u64 = self.times.iter().zip(next).map(|(a, b)| u64::from(a == b)).sum();
        let between = self.starts.iter().filter(|&&start| {
            let before = start.checked_sub(1).and_then(|last| self.times.get(last));
            before.is_some() && before == self.times.get(start)
        });
        all - between.count() as u64
    }
}

/// The events in the order of their buckets, and within each in the order in which they came; and their customers. Memory
/// that is touched for the first time costs more than the work, so there is as little of it as can be.
fn scattered(
    customers: &[u32],
    times: &[i64],
    activities: &[u16],
    buckets: usize,
    shift: u32,
) -> (Grouped, Vec<u32>) {
    let mut places = vec![0_usize; buckets + 1];
    for &customer in customers {
        if let Some(count) = places.get_mut((customer >> shift) as usize + 1) {
            *count += 1;
        }
    }
    let mut total = 0;
    for place in &mut places {
        total += *place;
        *place = total;
    }
    let count = customers.len();
    let mut all = Grouped { times: vec![0; count], activities: vec![0; count], ..Grouped::default() };
    let mut numbers = vec![0_u32; count];
    for ((&customer, &time), &activity) in customers.iter().zip(times).zip(activities) {
        if let Some(place) = places.get_mut((customer >> shift) as usize) {
            if let (Some(own), Some(at), Some(what)) =
                (numbers.get_mut(*place), all.times.get_mut(*place), all.activities.get_mut(*place))
            {
                (*own, *at, *what) = (customer, time, activity);
            }
            *place += 1;
        }
    }
    (all, numbers)
}

/// Sorts the events of one customer; stable, so that what came in first stays first.
fn sort_by_time(times: &mut [i64], activities: &mut [u16], scratch: &mut Vec<(i64, u16)>) {
    if times.is_sorted() {
        return;
    }
    scratch.clear();
    scratch.extend(times.iter().copied().zip(activities.iter().copied()));
    scratch.sort_by_key(|&(time, _)| time);
    for ((time, activity), &mut sorted) in times.iter_mut().zip(activities).zip(scratch) {
        (*time, *activity) = sorted;
    }
}
