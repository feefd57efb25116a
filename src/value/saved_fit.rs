//! How a fit is written and read back; the format is told at [`Fit`].

#[cfg(test)]
mod tests;

use super::fit::Facts;
use super::likelihood::Likelihood;
use super::{Diagnostics, Fit};
use crate::numeric::linear::Symmetric;
use crate::validation::ValidationError;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::marker::PhantomData;

/// The version that is written, and the only one there has been.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'f, M> {
    version: u32,
    model: &'static str,
    parameters: &'f M,
    covariance: Vec<f64>,
    log_likelihood: f64,
    log_prior: f64,
    customers: u64,
    choices: u32,
    diagnostics: Diagnostics,
}

/// The same as it is read: version and model come first and are refused before anything else is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "M: Likelihood + Deserialize<'de>"))]
struct Read<M> {
    #[serde(rename = "version")]
    _version: Version,
    #[serde(rename = "model")]
    _model: ModelName<M>,
    parameters: M,
    covariance: Vec<f64>,
    log_likelihood: f64,
    log_prior: f64,
    customers: u64,
    choices: u32,
    diagnostics: Diagnostics,
}

#[derive(Deserialize)]
#[serde(try_from = "u32")]
struct Version;

impl TryFrom<u32> for Version {
    type Error = ValidationError;

    fn try_from(version: u32) -> Result<Self, ValidationError> {
        let rule = "must be 1, the only version of a saved fit that this release reads";
        if version == VERSION { Ok(Self) } else { Err(ValidationError::new("fit.version", rule, version)) }
    }
}

struct ModelName<M>(PhantomData<M>);

impl<'de, M: Likelihood> Deserialize<'de> for ModelName<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = String::deserialize(deserializer)?;
        if found == M::MODEL {
            return Ok(Self(PhantomData));
        }
        let rule = "must be the model that is asked for";
        let shown = format!("{found} instead of {}", M::MODEL);
        Err(D::Error::custom(ValidationError::new("fit.model", rule, shown)))
    }
}

impl<M: Likelihood + Serialize> Serialize for Fit<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let covariance = self.covariance_matrix();
        let upper = (0..covariance.size())
            .flat_map(|row| (row..covariance.size()).map(move |column| covariance.at(row, column)));
        let Facts { log_likelihood, log_prior, customers, choices, diagnostics } = self.facts();
        let written = Written {
            version: VERSION,
            model: M::MODEL,
            parameters: self.model(),
            covariance: upper.collect(),
            log_likelihood,
            log_prior,
            customers,
            choices,
            diagnostics,
        };
        written.serialize(serializer)
    }
}

impl<'de, M: Likelihood + Deserialize<'de>> Deserialize<'de> for Fit<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Read::deserialize(deserializer)?.check().map_err(D::Error::custom)
    }
}

impl<M: Likelihood> Read<M> {
    fn check(self) -> Result<Fit<M>, ValidationError> {
        let Self { parameters: model, log_likelihood, log_prior, customers, choices, diagnostics, .. } = self;
        for (field, number) in [
            ("fit.log_likelihood", log_likelihood),
            ("fit.log_prior", log_prior),
            ("fit.diagnostics.gradient_norm", diagnostics.gradient_norm),
            ("fit.diagnostics.condition", diagnostics.condition),
        ] {
            if !number.is_finite() {
                return Err(ValidationError::new(field, "must be finite", number));
            }
        }
        if customers == 0 {
            return Err(ValidationError::new("fit.customers", "must be 1 at least", customers));
        }
        let covariance = covariance(&self.covariance, model.parameters().len())?;
        let facts = Facts { log_likelihood, log_prior, customers, choices, diagnostics };
        Ok(Fit::assemble(model, covariance, facts))
    }
}

/// The matrix with this upper triangle, row by row from the diagonal on.
fn covariance(upper: &[f64], size: usize) -> Result<Symmetric, ValidationError> {
    let field = "fit.covariance";
    if upper.len() != size * (size + 1) / 2 {
        let rule = "must hold a number for each pair of parameters";
        return Err(ValidationError::new(field, rule, upper.len()));
    }
    let place = |row: usize, column: usize| row * size - row * row.saturating_sub(1) / 2 + column - row;
    let found =
        Symmetric::from_upper(size, |row, column| upper.get(place(row, column)).copied().unwrap_or(f64::NAN));
    if let Some(wrong) = upper.iter().find(|cell| !cell.is_finite()) {
        return Err(ValidationError::new(field, "must be finite", wrong));
    }
    let variance = |index: usize| found.at(index, index);
    if let Some(wrong) = (0..size).map(variance).find(|&variance| variance <= 0.0) {
        return Err(ValidationError::new(field, "must have positive variances", wrong));
    }
    // Its rounding aside, which is relative to the variances.
    let correlations = Symmetric::from_upper(size, |row, column| {
        found.at(row, column) / variance(row).sqrt() / variance(column).sqrt()
    });
    let least = correlations.eigenvalues().into_iter().fold(f64::INFINITY, f64::min);
    if least > -1e-9 {
        Ok(found)
    } else {
        Err(ValidationError::new(field, "must not have a negative eigenvalue", least))
    }
}
