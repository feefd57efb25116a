use super::regular_model::regular_model;

regular_model! {
    /// The BG/CNBD-k model: as [`BgNbd`](super::BgNbd), but purchases come regularly: the times between those of a
    /// customer are spread by an Erlang distribution with k stages, and not at random.
    ///
    /// Rates of stages are spread over customers by Gamma(r, alpha), leaving probabilities by Beta(a, b). A silence says
    /// more about a regular buyer.
    ///
    /// # Example
    /// ```
    /// use patronage::value::{BgCnbd, Buyer, PurchaseModel};
    ///
    /// let buyer = Buyer::new(5, 30.0, 45.0)?;
    /// let random = BgCnbd::new(1, 0.8, 6.0, 0.8, 2.5)?;
    /// let regular = BgCnbd::new(3, 0.8, 2.0, 0.8, 2.5)?;
    /// assert_eq!(format!("{:.4} {:.4}", random.p_alive(buyer), regular.p_alive(buyer)), "0.5187 0.2679");
    /// # Ok::<(), patronage::ValidationError>(())
    /// ```
    ///
    /// Source: M. Platzer, T. Reutterer, "Ticking away the moments: timing regularity helps to better predict customer
    /// activity", Marketing Science 35 (2016); T. Reutterer, M. Platzer, N. Schröder, "Leveraging purchase regularity for
    /// predicting customer behavior the easy way", International Journal of Research in Marketing 38 (2021).
    "bg_cnbd" BgCnbd, leaving from purchase 0
    /// # Formula
    /// ```text
    /// ln B(a, b+x) / B(a, b) + ln G(r+kx) / G(r) + r ln alpha - (r+kx) ln(alpha+T) + ln S
    /// + ln(1 + a / (b+x-1) ((alpha+T) / (alpha+t_x))^(r+kx) / S)      this one only for x > 0
    /// + (k-1) x ln t_x + ln G(x) / G(kx)                          this one only for x > 0
    /// S = sum over j < k of G(r+kx+j) / (G(r+kx) j!) ((T-t_x) / (alpha+T))^j
    /// ```
    log_likelihood
    /// # Formula
    /// ```text
    /// 1 / (1 + a / (b+x-1) ((alpha+T) / (alpha+t_x))^(r+kx) / S),  1 for x = 0
    /// ```
    p_alive
}
