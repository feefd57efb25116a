use crate::numeric::proportion::{Interval, two_sided_p};

/// Answers in three groups, of which two count with opposite signs: promoters and detractors, easy and hard.
///
/// The net share is that of `plus` less that of `minus`, from -1 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trinomial {
    plus: f64,
    minus: f64,
    n: f64,
}

/// Answers added to each end and to the middle: three in all.
const ADDED_END: f64 = 0.75;
const ADDED: f64 = 3.0;

impl Trinomial {
    /// `None` without answers, or with more in the groups than there are.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits of the counts")]
    pub(super) fn new(plus: u64, minus: u64, n: u64) -> Option<Self> {
        (n > 0 && plus.checked_add(minus)? <= n).then_some(Self {
            plus: plus as f64 / n as f64,
            minus: minus as f64 / n as f64,
            n: n as f64,
        })
    }

    pub(super) fn net(self) -> f64 {
        self.plus - self.minus
    }

    /// The net share after adding three answers, and the variance of one answer then.
    pub(super) fn adjusted(self) -> (f64, f64) {
        let n = self.n + ADDED;
        let (plus, minus) = ((self.plus * self.n + ADDED_END) / n, (self.minus * self.n + ADDED_END) / n);
        let net = plus - minus;
        (net, plus + minus - net * net)
    }

    /// The variance of the adjusted net share.
    fn adjusted_variance(self) -> f64 {
        self.adjusted().1 / (self.n + ADDED)
    }

    /// The adjusted Wald interval. It encloses the net share seen, and never leaves `-1..=1`.
    ///
    /// ```text
    /// N' ± z √(V' / (n + 3))        of the shares after adding 3/4, 3/2 and 3/4 answers
    /// ```
    ///
    /// Source: B. Rocks, "Interval estimation for the Net Promoter Score", The American Statistician 70 (2016).
    pub(super) fn adjusted_wald(self, z: f64) -> Interval {
        let (centre, net) = (self.adjusted().0, self.net());
        let half = z * self.adjusted_variance().sqrt();
        Interval { lower: (centre - half).max(-1.0).min(net), upper: (centre + half).min(1.0).max(net) }
    }

    /// The score interval: the net shares that a score test does not refuse. Within `-1..=1` by nature.
    ///
    /// ```text
    /// (N - D) / √(V(D) / n) = ±z        V(D) = 2 q + |D| (1 - |D|)
    /// ```
    ///
    /// where q is the likeliest share of the smaller group when the net share is D.
    ///
    /// Source: T. Tango, "Equivalence test and confidence interval for the difference in proportions for the
    /// paired-sample design", Statistics in Medicine 17 (1998); W. L. May, W. D. Johnson, "Confidence intervals for
    /// differences in correlated binary proportions", Statistics in Medicine 16 (1997).
    pub(super) fn score(self, z: f64) -> Interval {
        let mirrored = Self { plus: self.minus, minus: self.plus, n: self.n };
        Interval { lower: self.lower(z), upper: -mirrored.lower(z) }
    }

    fn lower(self, z: f64) -> f64 {
        let net = self.net();
        if z <= 0.0 || net <= -1.0 {
            return net;
        }
        if !z.is_finite() {
            return -1.0;
        }
        if net >= 1.0 {
            // All at the upper end: the equation has the net share itself as a second solution.
            return (self.n - z * z) / (self.n + z * z);
        }
        if self.plus + self.minus <= 0.0 {
            // All in the middle: likewise.
            return -z * z / (self.n + z * z);
        }
        let step = z / self.n.sqrt();
        // Above zero at -1, below zero at the net share, and zero once between them.
        root(-1.0, net, |d| net - d - step * self.variance_at(d).sqrt()).clamp(-1.0, net)
    }

    /// The variance of one answer when the net share is `d` and the rest is as likely as it can be.
    fn variance_at(self, d: f64) -> f64 {
        // Written for the group on the side that `d` speaks against, every term is positive and nothing cancels.
        let (small, large) = if d < 0.0 { (self.plus, self.minus) } else { (self.minus, self.plus) };
        let d = d.abs();
        let spread = d * (1.0 - d);
        let b = (2.0 - large + small) * d - small - large;
        let root = (b * b + 8.0 * small * spread).sqrt();
        let q = if b > 0.0 { 2.0 * small * spread / (b + root) } else { (root - b) / 4.0 };
        2.0 * q + spread
    }
}

/// The net share of the first less that of the second, its interval, and how likely one as large would be by chance.
///
/// ```text
/// (N'₁ - N'₂) ± z √(V'₁ / (n₁ + 3) + V'₂ / (n₂ + 3))
/// ```
pub(super) fn difference(first: Trinomial, second: Trinomial, z: f64) -> (f64, Interval, f64) {
    let seen = first.net() - second.net();
    let centre = first.adjusted().0 - second.adjusted().0;
    let deviation = (first.adjusted_variance() + second.adjusted_variance()).sqrt();
    let half = z * deviation;
    let interval =
        Interval { lower: (centre - half).max(-2.0).min(seen), upper: (centre + half).min(2.0).max(seen) };
    (seen, interval, two_sided_p(centre / deviation))
}

/// Where a function that is positive at `low` and negative at `high` becomes zero.
///
/// Source: T. R. Chandrupatla, "A new hybrid quadratic/bisection algorithm for finding the zero of a nonlinear function
/// without using derivatives", Advances in Engineering Software 28 (1997).
fn root(low: f64, high: f64, function: impl Fn(f64) -> f64) -> f64 {
    let (mut a, mut b) = (high, low);
    let (mut at_a, mut at_b) = (function(a), function(b));
    let mut part = 0.5;
    // Every third step at least halves; twice the bits of a number are more than enough.
    for _ in 0..200 {
        let x = a + part * (b - a);
        let at_x = function(x);
        let (c, at_c);
        if (at_x > 0.0) == (at_a > 0.0) {
            (c, at_c) = (a, at_a);
        } else {
            (c, at_c) = (b, at_b);
            (b, at_b) = (a, at_a);
        }
        (a, at_a) = (x, at_x);
        let (best, at_best) = if at_b.abs() < at_a.abs() { (b, at_b) } else { (a, at_a) };
        let least = (2.0 * f64::EPSILON * best.abs() + 1e-17) / (b - a).abs();
        if least > 0.5 || at_best == 0.0 {
            return best;
        }
        let (xi, phi) = ((a - b) / (c - b), (at_a - at_b) / (at_c - at_b));
        part = if phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi {
            at_a / (at_b - at_a) * (at_c / (at_b - at_c))
                + (c - a) / (b - a) * (at_a / (at_c - at_a)) * (at_b / (at_c - at_b))
        } else {
            0.5
        };
        part = part.clamp(least, 1.0 - least);
    }
    a
}
