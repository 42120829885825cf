//! Whether a service needs another one: does it fail, or become slow, when the other does?
//!
//! A time is cut into windows. Those in which the callee was in trouble are compared with the others. Without enough of both there is
//! no verdict: that two services were never seen in trouble proves nothing.

/// What happened within a window.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Window {
    /// What the caller answers.
    pub caller: Figures,
    /// What it asks of the callee.
    pub calls: Figures,
}

/// Figures of requests.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// Requests.
    pub count: u64,
    /// Those that failed.
    pub errors: u64,
    /// 95 of 100 took no longer: seconds.
    pub p95: Option<f64>,
}

/// Whether a callee is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The caller fails or becomes slow with it.
    Strong,
    /// The caller gets by without it.
    Weak,
    /// It was not seen often enough in trouble to tell.
    Unknown,
}

/// In what sort of trouble the callee was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Calls failed.
    Errors,
    /// Calls took long.
    Slow,
}

/// What a verdict is based on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// The callee's trouble.
    pub trouble: Trouble,
    /// Windows in which it was in trouble.
    pub windows: usize,
    /// The other ones.
    pub others: usize,
    /// How the caller did in those: its part of failed requests, or its p95 in seconds.
    pub caller_then: f64,
    /// How it did in the others.
    pub caller_otherwise: f64,
    /// How the calls did in those, in the same unit.
    pub calls_then: f64,
    /// How they did in the others.
    pub calls_otherwise: f64,
}

/// So many windows of each sort at least.
const LEAST_WINDOWS: usize = 3;
/// Calls fail in a window if so many do, such a part of them, and so many times as large a part as usually.
const LEAST_ERRORS: u64 = 3;
const LEAST_PART: f64 = 0.05;
const UNUSUAL: f64 = 3.0;
/// Calls are slow if they take so many times as long as usually.
const SLOW: f64 = 2.0;
/// The caller goes along if it shows such a part of the trouble, and does not if it shows less than the second one. In between it is not told.
const GOES_ALONG: f64 = 0.3;
const GETS_BY: f64 = 0.1;

/// Tells whether the caller needs the callee, and what that is based on.
pub fn verdict(windows: &[Window]) -> (Verdict, Option<Evidence>) {
    let verdicts = [by_errors(windows), by_time(windows)].into_iter().flatten();
    let mut weak = None;
    let mut unclear = None;
    for (verdict, evidence) in verdicts {
        match verdict {
            Verdict::Strong => return (verdict, Some(evidence)),
            Verdict::Weak => weak = weak.or(Some(evidence)),
            Verdict::Unknown => unclear = unclear.or(Some(evidence)),
        }
    }
    match (weak, unclear) {
        (Some(evidence), _) => (Verdict::Weak, Some(evidence)),
        (None, evidence) => (Verdict::Unknown, evidence),
    }
}

fn part(errors: u64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { errors as f64 / count as f64 }
}

/// One side of a window.
type Of = fn(&Window) -> Figures;

fn by_errors(windows: &[Window]) -> Option<(Verdict, Evidence)> {
    let busy = windows.iter().filter(|window| window.calls.count > 0 && window.caller.count > 0);
    let failing = |window: &Window| part(window.calls.errors, window.calls.count);
    let mut usual: Vec<f64> = busy.clone().map(failing).collect();
    usual.sort_by(f64::total_cmp);
    let least = LEAST_PART.max(UNUSUAL * usual.get(usual.len() / 4)?);
    let fails = |window: &&&Window| window.calls.errors >= LEAST_ERRORS && failing(window) >= least;
    let (then, otherwise): (Vec<&Window>, Vec<&Window>) = busy.partition(|window| fails(&window));
    if then.len() < LEAST_WINDOWS || otherwise.len() < LEAST_WINDOWS {
        return None;
    }
    let of = |windows: &[&Window], figures: Of| {
        let sum = |what: fn(&Figures) -> u64| windows.iter().map(|window| what(&figures(window))).sum();
        part(sum(|figures| figures.errors), sum(|figures| figures.count))
    };
    let (caller, calls): (Of, Of) = (|window| window.caller, |window| window.calls);
    let evidence = Evidence {
        trouble: Trouble::Errors,
        windows: then.len(),
        others: otherwise.len(),
        caller_then: of(&then, caller),
        caller_otherwise: of(&otherwise, caller),
        calls_then: of(&then, calls),
        calls_otherwise: of(&otherwise, calls),
    };
    // Not every request of the caller makes such a call: so many of its failures would there be if each failed call were one.
    let calls_each = then.iter().map(|window| window.calls.count).sum::<u64>() as f64
        / then.iter().map(|window| window.caller.count).sum::<u64>().max(1) as f64;
    let expected = (evidence.calls_then - evidence.calls_otherwise) * calls_each.min(1.0);
    Some((judge(evidence.caller_then - evidence.caller_otherwise, expected), evidence))
}

fn by_time(windows: &[Window]) -> Option<(Verdict, Evidence)> {
    let timed: Vec<(f64, f64)> =
        windows.iter().filter_map(|window| Some((window.caller.p95?, window.calls.p95?))).collect();
    let mut usual: Vec<f64> = timed.iter().map(|(_, calls)| *calls).collect();
    usual.sort_by(f64::total_cmp);
    // The quicker half tells what is usual, even if trouble took up nearly all of the rest.
    let usual = *usual.get(usual.len() / 4)?;
    let (then, otherwise): (Vec<_>, Vec<_>) =
        timed.into_iter().partition(|(_, calls)| *calls >= SLOW * usual);
    if then.len() < LEAST_WINDOWS || otherwise.len() < LEAST_WINDOWS {
        return None;
    }
    let mean = |windows: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| {
        windows.iter().map(of).sum::<f64>() / windows.len() as f64
    };
    let evidence = Evidence {
        trouble: Trouble::Slow,
        windows: then.len(),
        others: otherwise.len(),
        caller_then: mean(&then, |window| window.0),
        caller_otherwise: mean(&otherwise, |window| window.0),
        calls_then: mean(&then, |window| window.1),
        calls_otherwise: mean(&otherwise, |window| window.1),
    };
    let expected = evidence.calls_then - evidence.calls_otherwise;
    Some((judge(evidence.caller_then - evidence.caller_otherwise, expected), evidence))
}

/// How much of the trouble that was to be expected the caller showed.
fn judge(shown: f64, expected: f64) -> Verdict {
    match shown / expected {
        part if part >= GOES_ALONG => Verdict::Strong,
        part if part <= GETS_BY => Verdict::Weak,
        _ => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(caller: (u64, u64, f64), calls: (u64, u64, f64)) -> Window {
        let figures = |(count, errors, p95): (u64, u64, f64)| Figures { count, errors, p95: Some(p95) };
        Window { caller: figures(caller), calls: figures(calls) }
    }

    fn told(fine: Window, trouble: Window) -> (Verdict, Option<Trouble>) {
        let windows: Vec<_> = std::iter::repeat_n(fine, 10).chain(std::iter::repeat_n(trouble, 5)).collect();
        let (verdict, evidence) = verdict(&windows);
        (verdict, evidence.map(|evidence| evidence.trouble))
    }

    #[test]
    fn who_fails_or_slows_down_with_another_one_needs_it() {
        let fine = window((100, 0, 0.010), (100, 0, 0.005));
        let cases = [
            // All failed calls are failed requests; none is; half of the requests make the call.
            (window((100, 50, 0.010), (100, 50, 0.005)), Verdict::Strong, Trouble::Errors),
            (window((100, 0, 0.010), (100, 50, 0.005)), Verdict::Weak, Trouble::Errors),
            (window((100, 20, 0.010), (50, 20, 0.005)), Verdict::Strong, Trouble::Errors),
            (window((100, 0, 0.110), (100, 0, 0.105)), Verdict::Strong, Trouble::Slow),
            (window((100, 0, 0.011), (100, 0, 0.105)), Verdict::Weak, Trouble::Slow),
            (window((100, 0, 0.030), (100, 0, 0.105)), Verdict::Unknown, Trouble::Slow),
        ];
        for (trouble, verdict, kind) in cases {
            assert_eq!(told(fine, trouble), (verdict, Some(kind)), "{trouble:?}");
        }
    }

    #[test]
    fn without_trouble_or_without_peace_nothing_is_told() {
        let fine = window((100, 0, 0.010), (100, 0, 0.005));
        let failing = window((100, 50, 0.010), (100, 50, 0.005));
        assert_eq!(verdict(&[fine; 20]), (Verdict::Unknown, None));
        assert_eq!(verdict(&[failing; 20]), (Verdict::Unknown, None));
        assert_eq!(verdict(&[fine, fine, fine, failing, failing]), (Verdict::Unknown, None));
        assert_eq!(verdict(&[]), (Verdict::Unknown, None));
        // Its own failures are no sign of anybody else's.
        let own = window((100, 50, 0.010), (100, 0, 0.005));
        assert_eq!(told(fine, own), (Verdict::Unknown, None));
    }
}
