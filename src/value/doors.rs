/// Writes the second and the third door of an answer about one row: an iterator of rows, and columns into a buffer of the
/// caller. All three agree to the last bit, because the row is asked each time.
macro_rules! doors {
    ($($answer:ident, $each:ident, $into:ident($($argument:ident: $kind:ty),*);)*
        => $vis:vis $row:ty, $rows:ty $(, where $sized:ty: $bound:ident)?) => {
        doors!(@ [$vis] [$row] [$rows] [$(where $sized: $bound)?]
            $([$answer, $each, $into, [$($argument: $kind),*]])*);
    };
    (@ $vis:tt $row:tt $rows:tt $bound:tt) => {};
    (@ [$vis:vis] [$row:ty] [$rows:ty] [$($bound:tt)*]
        [$answer:ident, $each:ident, $into:ident, [$($argument:ident: $kind:ty),*]] $($rest:tt)*) => {
        #[doc = concat!("[`", stringify!($answer), "`](Self::", stringify!($answer), ") of many.")]
        $vis fn $each(
            &self,
            rows: impl IntoIterator<Item = $row>,
            $($argument: $kind),*
        ) -> impl Iterator<Item = f64>
        $($bound)*
        {
            rows.into_iter().map(move |row| self.$answer(row, $($argument),*))
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
            for (slot, row) in out.iter_mut().zip(rows.iter()) {
                *slot = self.$answer(row, $($argument),*);
            }
            Ok(())
        }

        doors!(@ [$vis] [$row] [$rows] [$($bound)*] $($rest)*);
    };
}

pub(super) use doors;
