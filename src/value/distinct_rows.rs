use super::{Buyer, FitError};

/// Rows are added up in chunks of this size, and the chunks in order, so that no number of threads changes a bit.
pub(super) const CHUNK: usize = 4096;

/// The times of a distinct row, and how many customers have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) recency: f64,
    pub(super) age: f64,
    pub(super) weight: f64,
}

/// All customers with one frequency.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) frequency: u32,
    pub(super) weight: f64,
    pub(super) rows: Vec<Row>,
}

/// The sufficient statistics: distinct rows and how many customers have them, by frequency.
#[derive(Clone, Debug)]
pub struct DistinctRows {
    pub(super) groups: Vec<Group>,
    pub(super) customers: u64,
    pub(super) longest_age: f64,
    pub(super) total_age: f64,
    pub(super) total_frequency: f64,
    /// What the log-likelihood holds besides, whatever the parameters are.
    pub(super) constant: f64,
}

impl DistinctRows {
    /// Sorts and counts equal rows.
    ///
    /// # Errors
    /// Where nothing can be learned from them: no customers, nobody who came back, or all the same.
    pub(super) fn of(buyers: impl IntoIterator<Item = Buyer>) -> Result<Self, FitError> {
        let rows = Self::counted(buyers);
        let customers = rows.customers;
        match rows.groups.last() {
            None => Err(FitError::NoCustomers),
            Some(last) if last.frequency == 0 => Err(FitError::NoRepeatPurchases { customers }),
            Some(last) if rows.groups.len() == 1 && last.rows.len() == 1 => {
                Err(FitError::AllTheSame { customers })
            }
            Some(_) => Ok(rows),
        }
    }

    /// As [`of`](Self::of); where priors say all that rows could, any customers will do.
    pub(super) fn with_priors(
        buyers: impl IntoIterator<Item = Buyer>,
        priors_say_all: bool,
    ) -> Result<Self, FitError> {
        if !priors_say_all {
            return Self::of(buyers);
        }
        let rows = Self::counted(buyers);
        if rows.customers == 0 { Err(FitError::NoCustomers) } else { Ok(rows) }
    }

    /// Sorts and counts equal rows, whatever can be learned from them.
    pub(super) fn counted(buyers: impl IntoIterator<Item = Buyer>) -> Self {
        let mut buyers: Vec<Buyer> = buyers.into_iter().collect();
        let customers = u64::try_from(buyers.len()).unwrap_or(u64::MAX);
        sort(&mut buyers);
        let mut found = Self {
            groups: Vec::new(),
            customers,
            longest_age: 0.0,
            total_age: 0.0,
            total_frequency: 0.0,
            constant: 0.0,
        };
        for group in buyers.chunk_by(|one, next| one.frequency() == next.frequency()) {
            let mut rows = Vec::new();
            let mut weight = 0.0;
            let mut frequency = 0;
            for equal in group.chunk_by(|one, next| one == next) {
                let Some(buyer) = equal.first() else { continue };
                #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 customers")]
                let times = equal.len() as f64;
                frequency = buyer.frequency();
                weight += times;
                found.longest_age = found.longest_age.max(buyer.age());
                found.total_age += times * buyer.age();
                rows.push(Row { recency: buyer.recency(), age: buyer.age(), weight: times });
            }
            found.total_frequency += weight * f64::from(frequency);
            found.groups.push(Group { frequency, weight, rows });
        }
        found
    }

    /// The rows in chunks, each with the group it is of.
    fn chunks(&self) -> impl Iterator<Item = (&Group, &[Row])> {
        self.groups.iter().flat_map(|group| group.rows.chunks(CHUNK).map(move |chunk| (group, chunk)))
    }

    /// What each chunk comes to, in order; worked out on rayon's pool where there are many and the feature `parallel` is
    /// on.
    pub(super) fn parts<S: Send>(&self, part: impl Fn(&Group, &[Row]) -> S + Sync) -> Vec<S> {
        #[cfg(feature = "parallel")]
        if self.groups.iter().map(|group| group.rows.len()).sum::<usize>() > CHUNK {
            use rayon::iter::{IntoParallelIterator, ParallelIterator};
            let chunks: Vec<_> = self.chunks().collect();
            return chunks.into_par_iter().map(|(group, rows)| part(group, rows)).collect();
        }
        self.chunks().map(|(group, rows)| part(group, rows)).collect()
    }
}

fn sort(buyers: &mut [Buyer]) {
    #[cfg(feature = "parallel")]
    if buyers.len() > 16 * CHUNK {
        rayon::slice::ParallelSliceMut::par_sort_unstable_by_key(buyers, Buyer::key);
        return;
    }
    buyers.sort_unstable_by_key(Buyer::key);
}
