//! How likely so many purchases or more are.

use super::living::{Leaving, Living};
use crate::numeric::gamma::{ln_beta, ln_rising};
use crate::numeric::incomplete_beta::tails;
use crate::numeric::quadrature::log_concave;

impl Living {
    /// How likely at least so many purchases are until t, for someone who is alive now.
    pub(super) fn p_at_least(self, count: u32, t: f64) -> f64 {
        let (n, tau) = (self.shape, t / self.scale);
        let Some(before) = count.checked_sub(1) else { return 1.0 };
        if t <= 0.0 {
            return 0.0;
        }
        let p = match self.leaving {
            Leaving::Never => tails(n, f64::from(count), tau).1,
            Leaving::AfterPurchase { a, b, stages } => {
                // Who has stayed after all of them but the last.
                let stays = libm::exp(ln_rising(b, before) - ln_rising(a + b, before));
                let due = match stages {
                    None => tails(n, f64::from(count), tau).1,
                    Some(stages) => stages.p_count(n, count, tau).1,
                };
                stays * due
            }
            Leaving::AnyTime { s, beta } => self.p_alive_at(s, beta, count, t),
        };
        p.clamp(0.0, 1.0)
    }

    /// How likely someone who may leave at any time is still there at the purchase of this number, and that before t.
    #[expect(clippy::many_single_char_names, reason = "the letters are those of the papers")]
    fn p_alive_at(self, s: f64, beta: f64, count: u32, t: f64) -> f64 {
        let (n, alpha, c) = (self.shape, self.scale, f64::from(count));
        // In the logarithm of the time of that purchase.
        let f = |y: f64| {
            let u = libm::exp(y);
            c * y - (n + c) * libm::log1p(u / alpha) - s * libm::log1p(u / beta)
        };
        // Its highest point solves c = (n+c) u / (alpha+u) + s u / (beta+u).
        let (square, half) = (n + s, 0.5 * (n * beta + (s - c) * alpha));
        let root = (half * half + square * c * alpha * beta).sqrt();
        let u = if half > 0.0 { c * alpha * beta / (half + root) } else { (root - half) / square };
        let end = libm::log(t);
        let mode = libm::log(u.max(1e-300)).min(end);
        let front = -ln_beta(n, c) - c * libm::log(alpha);
        libm::exp(front + f(mode)) * log_concave(mode, f64::NEG_INFINITY, end, f)
    }
}
