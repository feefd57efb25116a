use super::calendar::from_microseconds;
use super::sla_policy::{SlaClock, SlaMetric, SlaPolicy, SlaReopen, SlaTarget};
use super::{BusinessCalendar, ServiceError};
use crate::case::{Case, CaseChange, CaseStatus};
use crate::interaction::Direction;
use crate::period;
use crate::tag::Tag;
use crate::vocabulary::vocabulary;
use chrono::{DateTime, TimeDelta, Utc};

vocabulary! {
    /// How a promise stands.
    "sla.state" SlaState {
        /// The clock runs and there is time left.
        Running = "running",
        /// The clock stands still and there is time left.
        Paused = "paused",
        /// Kept.
        Met = "met",
        /// Broken, whether or not what was promised came later.
        Missed = "missed",
        /// No longer owed: the case was rejected or is a duplicate.
        Cancelled = "cancelled",
    }
}

vocabulary! {
    /// What a clock did.
    "sla.step" SlaStepKind {
        /// It began.
        Started = "started",
        /// It stood still from then on.
        Paused = "paused",
        /// It ran again.
        Resumed = "resumed",
        /// Its time was used up.
        Missed = "missed",
        /// What was promised came.
        Finished = "finished",
        /// It was no longer owed.
        Cancelled = "cancelled",
    }
}

/// One thing a clock did, and how much of its time was used up by then: the explanation of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlaStep {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: SlaStepKind,
    /// How much time was used up.
    pub used: TimeDelta,
}

/// One clock of a case: the first response has one, the next response one for each question.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlaRun {
    /// What was promised.
    pub metric: SlaMetric,
    /// The how many-th clock of its metric, from 1.
    pub cycle: u32,
    /// How it stands.
    pub state: SlaState,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When its time is used up, or was; what comes at that very instant is in time. `None` while it stands still, and
    /// where it would be after the year 9999.
    pub due: Option<DateTime<Utc>>,
    /// When the share of the time that asks for a warning is used up; not after `as_of` once it is. `None` while the
    /// clock stands still, and once it is over or missed.
    pub warn: Option<DateTime<Utc>>,
    /// When what was promised came.
    pub finished: Option<DateTime<Utc>>,
    /// When the promise was broken: the instant it was due.
    pub missed: Option<DateTime<Utc>>,
    /// How much time is promised.
    pub within: TimeDelta,
    /// How much of it was used up, by the clock of the promise.
    pub used: TimeDelta,
    /// Everything the clock did, in order.
    pub steps: Vec<SlaStep>,
}

impl SlaRun {
    /// The spans in which the clock stood still; the last one may last.
    pub fn pauses(&self) -> Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> {
        let mut pauses = Vec::new();
        for step in &self.steps {
            match (step.kind, pauses.last_mut()) {
                (SlaStepKind::Paused, _) => pauses.push((step.at, None)),
                (SlaStepKind::Missed, _) => {}
                (_, Some((_, end @ None))) => *end = Some(step.at),
                _ => {}
            }
        }
        pauses
    }
}

/// How the promises of a service level stand for one case, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlaReport {
    /// The service level.
    pub policy: Tag,
    /// When the report was made.
    pub as_of: DateTime<Utc>,
    /// Every clock, by metric in the order of the policy, then by cycle.
    pub runs: Vec<SlaRun>,
}

impl SlaReport {
    /// The next instant at which the report would read otherwise without anything happening in the case: a warning, or
    /// a promise broken (the first microsecond after it was due). `None` where only events can change it.
    pub fn next_check(&self) -> Option<DateTime<Utc>> {
        self.runs
            .iter()
            .filter(|run| run.state == SlaState::Running)
            .flat_map(|run| [run.warn, run.due.map(|due| due + TimeDelta::microseconds(1))])
            .flatten()
            .filter(|&at| at > self.as_of)
            .min()
    }
}

/// Tells how the promises of a service level stand for a case.
///
/// A pure fold over the history of the case: asked again with another policy or another calendar, the answer is as if
/// these had held from the start, and the pauses stay where they were. Every answer of the company counts as a response;
/// solving a case answers every open question; a rejected case or a duplicate owes nothing more.
///
/// # Arguments
/// `as_of`: clocks are read at this instant.
///
/// # Errors
/// [`ServiceError::TimeBackwards`] when `as_of` lies before the last event of the case; [`ServiceError::Invalid`] when
/// it lies outside the years 1 to 9999.
///
/// # Cost
/// Two binary searches for each event, and one pass for each promise.
///
/// # Example
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use patronage::Tag;
/// use patronage::case::{Case, CaseChange, CaseEvent, CaseId, CaseStatus};
/// use patronage::customer::CustomerId;
/// use patronage::service::{
///     BusinessCalendar, BusinessHours, SlaMetric, SlaPolicy, SlaState, SlaTarget, sla_report,
/// };
///
/// let hours = BusinessHours::new("UTC")?.open_weekdays("09:00-17:00".parse()?)?;
/// let calendar = BusinessCalendar::new(&hours, Utc)?;
/// let policy = SlaPolicy::new(Tag::literal("gold")).promise(
///     SlaTarget::new(SlaMetric::Resolution, TimeDelta::hours(8))?.paused_in(CaseStatus::PendingCustomer)?,
/// )?;
///
/// let friday: DateTime<Utc> = "2026-11-20T15:00:00Z".parse()?;
/// let mut case = Case::open(
///     CaseId::derive(&["1"]), CustomerId::derive(&["17"]), Tag::literal("late_delivery"), friday,
/// )?;
/// case.record(CaseEvent::new(friday, CaseChange::Moved(CaseStatus::Open)))?;
/// // The customer is asked at 16:00 and answers on Monday at 11:00.
/// let (asked, answered) = ("2026-11-20T16:00:00Z".parse()?, "2026-11-23T11:00:00Z".parse()?);
/// case.record(CaseEvent::new(asked, CaseChange::Moved(CaseStatus::PendingCustomer)))?;
/// case.record(CaseEvent::new(answered, CaseChange::Moved(CaseStatus::Open)))?;
///
/// let report = sla_report(&policy, &calendar, &case, answered)?;
/// let clock = &report.runs[0];
/// assert_eq!((clock.state, clock.used), (SlaState::Running, TimeDelta::hours(1)));
/// assert_eq!(clock.due, Some("2026-11-24T10:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sla_report(
    policy: &SlaPolicy,
    calendar: &BusinessCalendar,
    case: &Case,
    as_of: DateTime<Utc>,
) -> Result<SlaReport, ServiceError> {
    let now = period::instant("sla.as_of", as_of)?;
    if now < case.last_at() {
        return Err(ServiceError::TimeBackwards { from: case.last_at(), to: as_of });
    }
    // Where each event lies on the line of business time is asked once, for all promises.
    let needs_calendar = policy.targets().iter().any(|target| target.clock() == SlaClock::Business);
    let opened = Mark::new(case.opened(), needs_calendar.then_some(calendar));
    let mut last = opened;
    let mut mark = |at: DateTime<Utc>| {
        if at != last.shown {
            last = Mark::new(at, needs_calendar.then_some(calendar));
        }
        last
    };
    let moments: Vec<(Mark, Moment)> = case
        .events()
        .iter()
        .filter_map(|event| Some((Moment::of(&event.change)?, event.at)))
        .map(|(moment, at)| (mark(at), moment))
        .collect();
    let now = mark(now);
    let mut runs = Vec::with_capacity(policy.targets().len());
    for target in policy.targets() {
        let clocks = Timing { target, calendar }.fold(opened, &moments, now, policy.reopen());
        runs.extend(clocks.into_iter().map(|clock| clock.run));
    }
    Ok(SlaReport { policy: policy.name(), as_of, runs })
}

/// An instant on both lines of time, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Mark {
    shown: DateTime<Utc>,
    at: i64,
    business: i64,
}

impl Mark {
    /// An instant that came in before, so that it lies within the years 1 to 9999 and is whole microseconds.
    fn new(shown: DateTime<Utc>, calendar: Option<&BusinessCalendar>) -> Self {
        let at = shown.timestamp_micros();
        Self { shown, at, business: calendar.map_or(0, |calendar| calendar.position(at)) }
    }
}

/// What of a case moves clocks.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Status(CaseStatus),
    Answer,
    Question,
}

impl Moment {
    fn of(change: &CaseChange) -> Option<Self> {
        match change {
            CaseChange::Moved(status) => Some(Self::Status(*status)),
            CaseChange::DuplicateOf(_) => Some(Self::Status(CaseStatus::Duplicate)),
            CaseChange::Contact { direction: Direction::Outbound, .. } => Some(Self::Answer),
            CaseChange::Contact { direction: Direction::Inbound, .. } => Some(Self::Question),
            _ => None,
        }
    }
}

/// How the clocks of one promise run.
#[derive(Clone, Copy)]
struct Timing<'a> {
    target: &'a SlaTarget,
    calendar: &'a BusinessCalendar,
}

impl Timing<'_> {
    fn within(self) -> i64 {
        self.target.within_microseconds()
    }

    fn passed(self, from: Mark, to: Mark) -> i64 {
        match self.target.clock() {
            SlaClock::Business => to.business - from.business,
            SlaClock::Elapsed => to.at - from.at,
        }
    }

    /// The instant by which a budget has passed; `None` after the year 9999.
    fn later(self, from: Mark, budget: i64) -> Option<DateTime<Utc>> {
        let at = match self.target.clock() {
            SlaClock::Business => self.calendar.reach_from(from.at, from.business, budget.max(0)),
            SlaClock::Elapsed => from.at.checked_add(budget.max(0)),
        };
        at.and_then(from_microseconds)
    }

    /// Folds the moments of a case into clocks.
    fn fold(self, opened: Mark, moments: &[(Mark, Moment)], now: Mark, reopen: SlaReopen) -> Vec<Live> {
        let metric = self.target.metric();
        let (mut status, mut answered) = (CaseStatus::New, false);
        let mut clocks: Vec<Live> = Vec::new();
        let start = |clocks: &mut Vec<Live>, mark: Mark, status: CaseStatus| {
            clocks.push(Live::start(self, clocks.len(), mark, status));
        };
        if metric != SlaMetric::NextResponse {
            start(&mut clocks, opened, status);
        }
        for &(mark, moment) in moments {
            let open = clocks.last_mut().filter(|clock| clock.is_open());
            match moment {
                Moment::Status(CaseStatus::Reopened) => {
                    status = CaseStatus::Reopened;
                    match (metric, reopen, clocks.last_mut()) {
                        (SlaMetric::Resolution, SlaReopen::Continue, Some(clock)) => {
                            clock.reopen(self, mark, status);
                        }
                        (SlaMetric::Resolution | SlaMetric::Update, ..) => start(&mut clocks, mark, status),
                        (SlaMetric::FirstResponse | SlaMetric::NextResponse, ..) => {}
                    }
                }
                Moment::Status(to) => {
                    status = to;
                    match (open, to) {
                        (Some(clock), CaseStatus::Solved) => clock.end(self, mark, SlaStepKind::Finished),
                        (Some(clock), CaseStatus::Rejected | CaseStatus::Duplicate) => {
                            clock.end(self, mark, SlaStepKind::Cancelled);
                        }
                        (Some(clock), _) => clock.go_on(self, mark, to),
                        (None, _) => {}
                    }
                }
                Moment::Answer => {
                    answered = true;
                    if let Some(clock) = open.filter(|_| metric != SlaMetric::Resolution) {
                        clock.end(self, mark, SlaStepKind::Finished);
                    }
                    if metric == SlaMetric::Update && status != CaseStatus::Solved {
                        start(&mut clocks, mark, status);
                    }
                }
                Moment::Question => {
                    let waits = open.is_some();
                    if metric == SlaMetric::NextResponse && answered && !waits && status != CaseStatus::Solved
                    {
                        start(&mut clocks, mark, status);
                    }
                }
            }
        }
        if let Some(clock) = clocks.last_mut().filter(|clock| clock.is_open()) {
            clock.read(self, now);
        }
        clocks
    }
}

/// A clock while it is folded.
struct Live {
    run: SlaRun,
    used: i64,
    /// Since when it runs; `None` while it stands still or is over.
    since: Option<Mark>,
}

impl Live {
    /// The clock after so many others of its promise.
    fn start(timing: Timing<'_>, others: usize, mark: Mark, status: CaseStatus) -> Self {
        let run = SlaRun {
            metric: timing.target.metric(),
            cycle: u32::try_from(others).unwrap_or(u32::MAX).saturating_add(1),
            state: SlaState::Running,
            started: mark.shown,
            due: None,
            warn: None,
            finished: None,
            missed: None,
            within: timing.target.within(),
            used: TimeDelta::zero(),
            steps: Vec::with_capacity(8),
        };
        let mut clock = Self { run, used: 0, since: Some(mark) };
        clock.step(mark, SlaStepKind::Started);
        clock.go_on(timing, mark, status);
        clock
    }

    /// Whether it is not over yet.
    fn is_open(&self) -> bool {
        self.run.state == SlaState::Running
    }

    fn step(&mut self, mark: Mark, kind: SlaStepKind) {
        let used = TimeDelta::microseconds(self.used);
        self.run.steps.push(SlaStep { at: mark.shown, kind, used });
    }

    /// Runs or stands still, as a status asks.
    fn go_on(&mut self, timing: Timing<'_>, mark: Mark, status: CaseStatus) {
        match (self.since, timing.target.is_paused_in(status)) {
            (Some(_), true) => {
                self.count(timing, mark);
                self.since = None;
                self.step(mark, SlaStepKind::Paused);
            }
            (None, false) => {
                self.since = Some(mark);
                self.step(mark, SlaStepKind::Resumed);
            }
            _ => {}
        }
    }

    fn end(&mut self, timing: Timing<'_>, mark: Mark, kind: SlaStepKind) {
        self.read(timing, mark);
        (self.since, self.run.warn) = (None, None);
        self.step(mark, kind);
        let finished = kind == SlaStepKind::Finished;
        self.run.finished = finished.then_some(mark.shown);
        self.run.state = match (self.run.missed, finished) {
            (Some(_), _) => SlaState::Missed,
            (None, true) => SlaState::Met,
            (None, false) => SlaState::Cancelled,
        };
    }

    /// Goes on as if its end had been a pause.
    fn reopen(&mut self, timing: Timing<'_>, mark: Mark, status: CaseStatus) {
        (self.run.finished, self.run.state) = (None, SlaState::Running);
        if timing.target.is_paused_in(status) {
            self.step(mark, SlaStepKind::Paused);
        } else {
            self.go_on(timing, mark, status);
        }
    }

    /// Reads the clock at an instant.
    fn read(&mut self, timing: Timing<'_>, mark: Mark) {
        let (running, before) = (self.since, self.used);
        self.count(timing, mark);
        self.run.used = TimeDelta::microseconds(self.used);
        let due = || running.and_then(|since| timing.later(since, timing.within() - before));
        self.run.due = self.run.missed.or_else(due);
        self.run.state = match (self.run.missed, running) {
            (Some(_), _) => SlaState::Missed,
            (None, None) => SlaState::Paused,
            (None, Some(since)) => {
                self.run.warn = timing.later(since, timing.target.warn_after() - before);
                SlaState::Running
            }
        };
    }

    /// Adds the time since it runs, and finds the instant the promise was broken.
    fn count(&mut self, timing: Timing<'_>, mark: Mark) {
        let Some(since) = self.since else { return };
        let (passed, left) = (timing.passed(since, mark), timing.within() - self.used);
        if self.run.missed.is_none() && passed >= left {
            let due = timing.later(since, left).filter(|&due| due < mark.shown);
            if let Some(at) = due {
                self.run.missed = due;
                self.run.steps.push(SlaStep { at, kind: SlaStepKind::Missed, used: self.run.within });
            }
        }
        self.used += passed;
    }
}

#[cfg(test)]
mod tests;
