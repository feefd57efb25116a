use super::DriverOptions;
use super::penalty_reward::Contrast;
use crate::vocabulary::vocabulary;

vocabulary! {
    /// What kind of attribute it is, by the asymmetry of what it can cost and what it can bring.
    ///
    /// By default, up to 0.1 from 0 an asymmetry is that of a hybrid, and beyond 0.4 that of a frustrator or delighter:
    /// see [`DriverOptions`](super::DriverOptions::with_asymmetry). Neither is looked at unless the penalty is told from
    /// zero below it, or the reward above it, by its q-value.
    ///
    /// # Example
    /// ```
    /// use patronage::pain::{Factor, ImpactClass};
    ///
    /// assert_eq!(ImpactClass::Frustrator.factor(), Some(Factor::Basic));
    /// assert_eq!("delighter".parse(), Ok(ImpactClass::Delighter));
    /// assert_eq!(ImpactClass::Indistinct.factor(), None);
    /// ```
    ///
    /// Source: J. Mikulić, D. Prebežac, Managing Service Quality 18 (2008); T. Albayrak, M. Caber (2013) on how practice
    /// differs.
    "impact_class" ImpactClass {
        /// It costs much where it is low, and brings little or nothing where it is high.
        Frustrator = "frustrator",
        /// It costs more than it brings.
        Dissatisfier = "dissatisfier",
        /// It costs and brings alike.
        Hybrid = "hybrid",
        /// It brings more than it costs.
        Satisfier = "satisfier",
        /// It brings much where it is high, and costs little or nothing where it is low.
        Delighter = "delighter",
        /// Neither penalty nor reward can be told from zero.
        Indistinct = "indistinct",
        /// Low answers go with a better outcome, or high ones with a worse, and that is told from zero: a scale upside
        /// down, or drivers too alike.
        Reversed = "reversed",
    }
}

vocabulary! {
    /// The three factors of satisfaction.
    ///
    /// # Example
    /// ```
    /// use patronage::pain::Factor;
    ///
    /// assert_eq!(Factor::Performance.to_string(), "performance");
    /// ```
    "factor" Factor {
        /// Must be right; more of it brings nothing.
        Basic = "basic",
        /// The better it is, the more satisfied customers are.
        Performance = "performance",
        /// Delights where it is there, and is not missed where it is not.
        Excitement = "excitement",
    }
}

impl ImpactClass {
    /// Which of the three factors it is; `None` where the class says that this is not known.
    pub const fn factor(self) -> Option<Factor> {
        match self {
            Self::Frustrator | Self::Dissatisfier => Some(Factor::Basic),
            Self::Hybrid => Some(Factor::Performance),
            Self::Satisfier | Self::Delighter => Some(Factor::Excitement),
            Self::Indistinct | Self::Reversed => None,
        }
    }

    pub(super) fn of(contrast: &Contrast, options: &DriverOptions) -> Self {
        let (penalty, reward) = (contrast.penalty(), contrast.reward());
        let most = options.false_discoveries().get();
        let (has_penalty, has_reward) = (penalty.q_value() <= most, reward.q_value() <= most);
        let (cost, gain) = (penalty.effect().value(), reward.effect().value());
        if has_penalty && cost > 0.0 || has_reward && gain < 0.0 {
            return Self::Reversed;
        }
        if !has_penalty && !has_reward {
            return Self::Indistinct;
        }
        let Some(asymmetry) = contrast.asymmetry() else { return Self::Indistinct };
        let (hybrid, extreme) = (options.hybrid_up_to(), options.extreme_above());
        match (asymmetry.abs() <= hybrid, asymmetry.abs() > extreme, asymmetry < 0.0) {
            (true, ..) => Self::Hybrid,
            (false, true, true) => Self::Frustrator,
            (false, false, true) => Self::Dissatisfier,
            (false, false, false) => Self::Satisfier,
            (false, true, false) => Self::Delighter,
        }
    }
}
