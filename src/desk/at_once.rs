//! Waiting for many things at the same time, with or without a runtime.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Awaits futures, at most so many at a time, beginning them in order; returns their answers in that order.
///
/// # Cost
/// Whenever one of them goes on, all that are under way are asked: meant for tens, not for thousands at a time.
pub(super) async fn at_once<F: Future>(futures: impl IntoIterator<Item = F>, limit: usize) -> Vec<F::Output> {
    let mut waiting = futures.into_iter().enumerate();
    let mut under_way: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    let mut answers = Vec::new();
    poll_fn(|context| {
        loop {
            while under_way.len() < limit.max(1)
                && let Some((index, future)) = waiting.next()
            {
                under_way.push((index, Box::pin(future)));
            }
            let before = under_way.len();
            under_way.retain_mut(|(index, future)| match future.as_mut().poll(context) {
                Poll::Ready(answer) => {
                    answers.push((*index, answer));
                    false
                }
                Poll::Pending => true,
            });
            if before == 0 {
                return Poll::Ready(());
            }
            // Whoever is done makes room for the next.
            if under_way.len() == before {
                return Poll::Pending;
            }
        }
    })
    .await;
    answers.sort_unstable_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Lets others go first so many times.
    async fn yielding(times: u32) {
        let mut left = times;
        poll_fn(|context| {
            context.waker().wake_by_ref();
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            Poll::Pending
        })
        .await;
    }

    #[test]
    fn answers_come_in_order_and_no_more_than_allowed_are_under_way() {
        for (limit, most) in [(0, 1), (1, 1), (3, 3), (100, 20)] {
            let (now, highest) = (Cell::new(0), Cell::new(0));
            let (now, highest) = (&now, &highest);
            let futures = (0..20_u32).map(|number| async move {
                now.set(now.get() + 1);
                highest.set(highest.get().max(now.get()));
                yielding(1 + number * 7 % 5).await;
                now.set(now.get() - 1);
                number
            });
            let answers = pollster::block_on(at_once(futures, limit));
            assert_eq!(answers, (0..20).collect::<Vec<_>>());
            assert_eq!(highest.get(), most);
        }
    }

    #[test]
    fn nothing_is_done_at_once() {
        assert!(pollster::block_on(at_once(std::iter::empty::<std::future::Ready<u8>>(), 4)).is_empty());
    }
}
