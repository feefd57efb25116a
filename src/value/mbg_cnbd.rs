#[cfg(test)]
mod tests;

use super::regular_model::regular_model;

regular_model! {
    /// The MBG/CNBD-k model: as [`MbgNbd`](super::MbgNbd), but purchases come regularly: the times between those of a
    /// customer are spread by an Erlang distribution with k stages, and not at random.
    ///
    /// Rates of stages are spread over customers by Gamma(r, alpha), leaving probabilities by Beta(a, b). Customers may
    /// leave right after their first purchase, unlike in [`BgCnbd`](super::BgCnbd).
    ///
    /// # Example
    /// ```
    /// use patronage::value::{Buyer, MbgCnbd, PurchaseModel};
    ///
    /// let model = MbgCnbd::new(3, 0.8, 2.0, 0.8, 2.5)?;
    /// let p_alive = model.p_alive(Buyer::new(5, 30.0, 45.0)?);
    /// assert_eq!(format!("{p_alive:.6}"), "0.296895");
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    ///
    /// Source: T. Reutterer, M. Platzer, N. Schröder, "Leveraging purchase regularity for predicting customer behavior the
    /// easy way", International Journal of Research in Marketing 38 (2021).
    "mbg_cnbd" MbgCnbd, leaving from purchase 1
    /// # Formula
    /// ```text
    /// ln B(a, b+x+1) / B(a, b) + ln G(r+kx) / G(r) + r ln alpha - (r+kx) ln(alpha+T) + ln S
    /// + ln(1 + a / (b+x) ((alpha+T) / (alpha+t_x))^(r+kx) / S)
    /// + (k-1) x ln t_x + ln G(x) / G(kx)                          this one only for x > 0
    /// S = sum over j < k of G(r+kx+j) / (G(r+kx) j!) ((T-t_x) / (alpha+T))^j
    /// ```
    log_likelihood
    /// # Formula
    /// ```text
    /// 1 / (1 + a / (b+x) ((alpha+T) / (alpha+t_x))^(r+kx) / S)
    /// ```
    p_alive
}
