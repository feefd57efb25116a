use std::ops::Range;

/// Where each group lies in a column that holds one group after the other; groups are numbered from 0.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Groups {
    /// Where each begins, and where the last ends.
    starts: Vec<usize>,
}

impl Groups {
    /// So many groups, from the group of each row.
    pub(super) fn of(groups: usize, rows: impl Iterator<Item = u32>) -> Self {
        let mut starts = vec![0; groups + 1];
        for group in rows {
            if let Some(count) = starts.get_mut(group as usize + 1) {
                *count += 1;
            }
        }
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        Self { starts }
    }

    /// The values of rows, one group after the other, and within a group in the order of the rows. The rows must be those
    /// the groups were made of.
    pub(super) fn gather<T: Copy + Default>(&self, rows: impl Iterator<Item = (u32, T)>) -> Vec<T> {
        let mut values = vec![T::default(); self.starts.last().copied().unwrap_or(0)];
        let mut free = self.starts.clone();
        for (group, value) in rows {
            let place = free.get_mut(group as usize);
            if let Some((value_at, place)) = place.and_then(|place| Some((values.get_mut(*place)?, place))) {
                *value_at = value;
                *place += 1;
            }
        }
        values
    }

    /// How many groups there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Where a group lies; nowhere if there is none of that number.
    pub(super) fn range(&self, group: u32) -> Range<usize> {
        let group = group as usize;
        match self.starts.get(group..).and_then(|starts| starts.first_chunk()) {
            Some(&[start, end]) => start..end,
            None => 0..0,
        }
    }

    /// The part of a column that is a group's.
    pub(super) fn part<'v, T>(&self, group: u32, values: &'v [T]) -> &'v [T] {
        values.get(self.range(group)).unwrap_or(&[])
    }

    /// The parts of a column, group by group.
    pub(super) fn parts<'v, T>(&'v self, values: &'v [T]) -> impl Iterator<Item = &'v [T]> {
        self.starts.windows(2).map(move |ends| match ends {
            [start, end] => values.get(*start..*end).unwrap_or(&[]),
            _ => &[],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_the_order_of_their_rows() {
        let rows = [(2, 'a'), (0, 'b'), (2, 'c'), (3, 'd')];
        let groups = Groups::of(5, rows.iter().map(|row| row.0));
        let values = groups.gather(rows.into_iter());
        assert_eq!(values, ['b', 'a', 'c', 'd']);
        assert_eq!((groups.len(), groups.part(2, &values)), (5, &['a', 'c'][..]));
        let sizes: Vec<usize> = groups.parts(&values).map(<[char]>::len).collect();
        assert_eq!(sizes, [1, 0, 2, 1, 0]);
        assert_eq!((groups.range(5), groups.range(u32::MAX)), (0..0, 0..0));
        assert_eq!(Groups::of(0, std::iter::empty()).len(), 0);
    }
}
