use super::Needs;

/// How many columns are scored together.
const WIDTH: usize = 8;
/// How many such bundles of columns are held at a time.
const BUNDLES: usize = 8;

/// One line of a processor's cache, which a row without its own alignment would lie across two of.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line<const N: usize>([f64; N]);

/// The likeness of every item to a few others, the columns, laid out so that a customer's scores for the columns are sums
/// over whole rows; and the highest likeness in each bundle of columns, so that bundles with no chance are left out.
///
/// An item's likeness to itself is minus infinity here, since nobody is offered what they have.
pub(super) struct LikenessBlock {
    /// By item, the customers who have it and one column.
    both: Vec<u32>,
    /// By item, the customers who have it and each column of a bundle.
    together: Vec<[i32; WIDTH]>,
    /// By bundle, then by item: what is read together lies together.
    rows: [Vec<Line<WIDTH>>; BUNDLES],
    highest: Vec<Line<BUNDLES>>,
}

impl LikenessBlock {
    /// How many columns fit.
    pub(super) const COLUMNS: usize = WIDTH * BUNDLES;

    pub(super) fn new(items: usize) -> Self {
        Self {
            both: vec![0; items],
            together: vec![[0; WIDTH]; items],
            rows: std::array::from_fn(|_| vec![Line([0.0; WIDTH]); items]),
            highest: vec![Line([0.0; BUNDLES]); items],
        }
    }

    /// The bundles that so many columns make.
    pub(super) fn bundles(columns: &[u32]) -> impl Iterator<Item = (usize, &[u32])> {
        columns.chunks(WIDTH).enumerate()
    }

    /// Looks at other columns.
    pub(super) fn fill(&mut self, needs: &Needs, columns: &[u32]) {
        for (bundle, columns) in Self::bundles(columns) {
            self.count(needs, columns);
            // A column that is not there has so many buyers that nothing is like it.
            let mut sizes = [f64::INFINITY; WIDTH];
            for (size, &column) in sizes.iter_mut().zip(columns) {
                *size = needs.size(column);
            }
            let Some(rows) = self.rows.get_mut(bundle) else { continue };
            let items = rows.iter_mut().zip(&mut self.highest).zip(&self.together).zip(needs.sizes());
            for (((row, highest), together), &own) in items {
                let Some(highest) = highest.0.get_mut(bundle) else { continue };
                for ((likeness, &both), &size) in row.0.iter_mut().zip(together).zip(&sizes) {
                    let both = f64::from(both);
                    *likeness = both / (own + size - both);
                }
                *highest = highest_of(&row.0);
            }
            for (place, &column) in columns.iter().enumerate() {
                let item = column as usize;
                let row = rows.get_mut(item);
                let highest = self.highest.get_mut(item).and_then(|highest| highest.0.get_mut(bundle));
                if let (Some(row), Some(highest)) = (row, highest) {
                    if let Some(own) = row.0.get_mut(place) {
                        *own = f64::NEG_INFINITY;
                    }
                    *highest = highest_of(&row.0);
                }
            }
        }
    }

    /// Counts the customers who have an item and a column.
    fn count(&mut self, needs: &Needs, columns: &[u32]) {
        for (place, &column) in columns.iter().enumerate() {
            needs.count_together(column, &mut self.both);
            for (row, &both) in self.together.iter_mut().zip(&self.both) {
                if let Some(count) = row.get_mut(place) {
                    // Signed, since signed numbers are made floating ones several at a time; there are fewer than 2^26.
                    *count = both.cast_signed();
                }
            }
        }
    }

    /// For each bundle a number that no score in it exceeds. Numbers are rounded in the same places as those of
    /// [`scores`](Self::scores), and rounding keeps their order, so that not even the last bit does.
    pub(super) fn bounds(&self, items: &[u32], affinities: &[f64]) -> [f64; BUNDLES] {
        let mut bounds = [0.0; BUNDLES];
        for (&item, &affinity) in items.iter().zip(affinities) {
            if let Some(highest) = self.highest.get(item as usize) {
                for (bound, &highest) in bounds.iter_mut().zip(&highest.0) {
                    *bound += affinity * highest;
                }
            }
        }
        bounds
    }

    /// The scores of the columns of a bundle, each the sum over a customer's items in their order.
    pub(super) fn scores(&self, bundle: usize, items: &[u32], affinities: &[f64]) -> [f64; WIDTH] {
        let mut scores = [0.0; WIDTH];
        let rows = self.rows.get(bundle).map_or(&[][..], Vec::as_slice);
        for (&item, &affinity) in items.iter().zip(affinities) {
            if let Some(row) = rows.get(item as usize) {
                for (score, &likeness) in scores.iter_mut().zip(&row.0) {
                    *score += affinity * likeness;
                }
            }
        }
        scores
    }
}

fn highest_of(row: &[f64; WIDTH]) -> f64 {
    // No likeness is NaN.
    row.iter().fold(0.0, |highest, &likeness| if likeness > highest { likeness } else { highest })
}
