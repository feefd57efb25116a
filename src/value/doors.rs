/// Writes the second and the third door of an answer about one row: an iterator of rows, and columns into a buffer of the
/// caller. They go through two functions, by default [`each`] and [`fill`]; all three doors agree to the last bit, because
/// each row is asked the same question.
macro_rules! doors {
    ($($answer:ident, $each:ident, $into:ident($($argument:ident: $kind:ty),*);)*
        => $vis:vis $row:ty, $rows:ty, $by:ident, $fill:ident $(, where $sized:ty: $bound:ident)?) => {
        doors!(@ [$vis] [$row] [$rows] [$by, $fill] [$(where $sized: $bound)?]
            $([$answer, $each, $into, [$($argument: $kind),*]])*);
    };
    (@ $vis:tt $row:tt $rows:tt $by:tt $bound:tt) => {};
    (@ [$vis:vis] [$row:ty] [$rows:ty] [$by:ident, $fill:ident] [$($bound:tt)*]
        [$answer:ident, $each:ident, $into:ident, [$($argument:ident: $kind:ty),*]] $($rest:tt)*) => {
        #[doc = concat!("[`", stringify!($answer), "`](Self::", stringify!($answer), ") of many.")]
        $vis fn $each(
            &self,
            rows: impl IntoIterator<Item = $row>,
            $($argument: $kind),*
        ) -> impl Iterator<Item = f64>
        $($bound)*
        {
            $by(rows, move |row| self.$answer(row, $($argument),*))
        }

        #[doc = concat!("[`", stringify!($answer), "`](Self::", stringify!($answer), ") of columns into `out`; \
            allocates nothing.")]
        ///
        /// # Errors
        /// [`ValueError::ColumnLength`](crate::value::ValueError::ColumnLength) when `out` has another length than the
        /// columns.
        $vis fn $into(
            &self,
            rows: $rows,
            $($argument: $kind,)*
            out: &mut [f64],
        ) -> Result<(), $crate::value::ValueError> {
            rows.fits("out", out.len())?;
            $fill(rows.iter(), out, |row| self.$answer(row, $($argument),*));
            Ok(())
        }

        doors!(@ [$vis] [$row] [$rows] [$by, $fill] [$($bound)*] $($rest)*);
    };
}

pub(super) use doors;

/// Asks one row after the other.
pub(super) fn each<R>(
    rows: impl IntoIterator<Item = R>,
    answer: impl Fn(R) -> f64,
) -> impl Iterator<Item = f64> {
    rows.into_iter().map(answer)
}

/// Asks one row after the other, into a buffer.
pub(super) fn fill<R>(rows: impl Iterator<Item = R>, out: &mut [f64], mut answer: impl FnMut(R) -> f64) {
    out.iter_mut().zip(rows).for_each(|(slot, row)| *slot = answer(row));
}
