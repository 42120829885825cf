//! Figures: medians of rounds, with their spread.

use std::fmt;
use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

/// A figure's values, one a round.
#[derive(Debug, Clone)]
struct Figure {
    name: String,
    unit: &'static str,
    values: Vec<f64>,
}

/// All figures of a run, in the order in which they were first noted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report(Vec<Figure>);

impl Report {
    /// Notes a round's value.
    pub(crate) fn note(&mut self, name: &str, unit: &'static str, value: f64) {
        if !value.is_finite() {
            return;
        }
        match self.0.iter_mut().find(|figure| figure.name == name) {
            Some(figure) => figure.values.push(value),
            None => self.0.push(Figure { name: name.into(), unit, values: vec![value] }),
        }
    }

    /// Writes `{"figures":[{"name","value","unit","low","high","rounds"}]}`; the value is the median, low and high are the
    /// quartiles.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let figures: Vec<_> = self
            .0
            .iter()
            .map(|figure| {
                let [low, value, high] = figure.quartiles();
                json!({
                    "name": figure.name, "value": value, "unit": figure.unit,
                    "low": low, "high": high, "rounds": figure.values.len(),
                })
            })
            .collect();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(&json!({ "figures": figures }))?;
        std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Figure {
    /// Lower quartile, median, upper quartile, between values where they fall there.
    fn quartiles(&self) -> [f64; 3] {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        [0.25, 0.5, 0.75].map(|part| {
            let place = part * (sorted.len() - 1) as f64;
            let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            below + (above - below) * place.fract()
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<40} {:>12} {:>12} {:>12}  {:<14} rounds", "figure", "median", "low", "high", "unit")?;
        for figure in &self.0 {
            let [low, value, high] = figure.quartiles().map(short);
            let (name, unit, rounds) = (&figure.name, figure.unit, figure.values.len());
            writeln!(f, "{name:<40} {value:>12} {low:>12} {high:>12}  {unit:<14} {rounds}")?;
        }
        Ok(())
    }
}

/// Four digits that count.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => 0,
        size => (3 - size.log10().floor() as i32).clamp(0, 5) as usize,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(values: &[f64]) -> Figure {
        Figure { name: "n".into(), unit: "u", values: values.to_vec() }
    }

    #[test]
    fn quartiles_lie_between_values() {
        assert_eq!(figure(&[4.0, 1.0, 3.0, 2.0, 5.0]).quartiles(), [2.0, 3.0, 4.0]);
        assert_eq!(figure(&[1.0, 2.0]).quartiles(), [1.25, 1.5, 1.75]);
        assert_eq!(figure(&[7.0]).quartiles(), [7.0, 7.0, 7.0]);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 0.99987, 1.5, 123_456.7].map(short), ["0", "0.9999", "1.500", "123457"]);
    }

    #[test]
    fn values_of_a_name_belong_together() {
        let mut report = Report::default();
        report.note("a", "ns", 1.0);
        report.note("b", "ns", f64::NAN);
        report.note("a", "ns", 3.0);
        assert_eq!(report.0.len(), 1);
        assert_eq!(report.0[0].values, [1.0, 3.0]);
    }
}
