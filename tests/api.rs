//! The surface of the crate, not its function: which common traits every public type has.

#![expect(clippy::unwrap_used, reason = "a test may stop here")]

use patronage::consent::*;
use patronage::customer::*;
use patronage::desk::{Deliveries, Desk, DeskError, RetryPolicy, Review, ReviewSettings, Settings};
use patronage::feedback::*;
use patronage::interaction::*;
use patronage::lifecycle::*;
use patronage::loyalty::{
    EngagementScore, Evidence, Health, HealthRule, LadderRule, LogRank, LoyaltyError, LoyaltyEvidence,
    LoyaltyRung, LoyaltyStep, Movement, Relationship, Rhythm, RhythmRule, Spell, Standing, SurvivalCurve,
    SurvivalInterval, SurvivalOptions, SurvivalTable, Touch,
};
use patronage::notification::*;
use patronage::notify::*;
use patronage::pain::{PainCounts, PainError, PainMap, PainPoint, PainReport, PointOptions, Rules, Symptom};
use patronage::purchase::*;
use patronage::segment::*;
use patronage::store::*;
use patronage::task::*;
use patronage::value::*;
use patronage::*;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct SmallAndOrdered {
    tag: Tag,
    currency: Currency,
    key: IdempotencyKey,
    customer: CustomerId,
    interaction: InteractionId,
    purchase: PurchaseId,
    consent: ConsentId,
    task: TaskId,
    period: Period,
    channel: Channel,
    touchpoint: Touchpoint,
    engagement: Engagement,
    direction: Direction,
    agent: Agent,
    outcome: Outcome,
    effort_direction: EffortDirection,
    nps_score: NpsScore,
    nps_group: NpsGroup,
    nps_method: NpsMethod,
    csat_scale: CsatScale,
    ces_convention: CesConvention,
    emotion: Emotion,
    weighting: Weighting,
    polarity: Polarity,
    error_rate: ErrorRate,
    feedback_place: FeedbackPlace,
    pain_kind: PainKind,
    stage: LifecycleStage,
    stage_reason: StageReason,
    purpose: Purpose,
    consent_status: ConsentStatus,
    basis: LegalBasis,
    kind: CustomerKind,
    contact_status: ContactStatus,
    task_status: TaskStatus,
    priority: Priority,
    recipient: Recipient,
    link: Link,
    entity: Entity,
    segment: RfmSegment,
    rfm_frequency: RfmFrequency,
    rfm_monetary: RfmMonetary,
    rfm_returns: RfmReturns,
    rule_comparison: RuleComparison,
    truth: Truth,
    crossing: Crossing,
    rule_span: RuleSpan,
    rule_input: RuleInput,
    model_kind: ModelKind,
    dropout: Dropout,
    first_purchase: FirstPurchase,
    holdout_period: HoldoutPeriod,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct SmallAndHashable {
    money: Money,
    purchase_day: PurchaseDay,
    effort: Effort,
    answer: Answer<NpsScore>,
    csat_answer: CsatAnswer,
    effort_scale: EffortScale,
    stage_change: StageChange,
    consent_decision: ConsentDecision,
    decided_by: DecidedBy,
    job_state: JobState,
    settlement: Settlement,
    committed: Committed,
    rfm_row: RfmRow,
    rfm_score: RfmScore,
    rfm_line: RfmLine,
    rfm_definition: RfmDefinition,
    rfm_gate: RfmGate,
    rank_groups: RankGroups,
    segment_key: SegmentKey,
    rule_slot: RuleSlot,
    flip: SegmentFlip<RfmSegment>,
    fall: SegmentFall<RfmSegment>,
    summary: Summary,
    holdout: Holdout,
    purchase_log: PurchaseLog<'static>,
    discrete_buyer: DiscreteBuyer,
    contract: Contract,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct SmallWithFloats {
    share: Share,
    estimate: Estimate,
    money_estimate: Estimate<Money>,
    because: Because,
    sentiment: Sentiment,
    feeling: Feeling,
    difference: Difference,
    finding: Finding<Tag>,
    nps_tally: NpsTally,
    csat_tally: CsatTally,
    ces_tally: CesTally,
    scorer_check: ScorerCheck,
    buyer: Buyer,
    buyers: Buyers<'static>,
    repeat_spend: RepeatSpend,
    repeat_spends: RepeatSpends<'static>,
    horizon: Horizon,
    discount: Discount,
    time_unit: TimeUnit,
    timed_buyer: TimedBuyer,
    timed_buyers: TimedBuyers<'static>,
    forecast_errors: ForecastErrors,
    calibration_group: CalibrationGroup<u32>,
    purchase_count: PurchaseCount,
    tracked_period: TrackedPeriod,
    likelihood_ratio: LikelihoodRatio,
    vuong: Vuong,
    model_test: ModelTest,
    model_figures: ModelFigures,
    holdout_figures: HoldoutFigures,
    nbd: Nbd,
    bg_nbd: BgNbd,
    mbg_nbd: MbgNbd,
    pareto_nbd: ParetoNbd,
    bg_cnbd: BgCnbd,
    mbg_cnbd: MbgCnbd,
    bg_bb: BgBb,
    discrete_buyers: DiscreteBuyers<'static>,
    shifted_beta_geometric: ShiftedBetaGeometric,
    beta_discrete_weibull: BetaDiscreteWeibull,
    contracts: Contracts<'static>,
    gamma_gamma: GammaGamma,
    lifetime_value: LifetimeValue<'static, BgNbd>,
    profitability: Profitability,
    cost_to_serve: CostToServe,
    diagnostics: Diagnostics,
    prior: Prior,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct SmallFindings {
    counts: PainCounts,
    options: PointOptions,
    symptom: Symptom,
    deliveries: Deliveries,
    retry: RetryPolicy,
}

#[derive(Debug, Clone, PartialEq)]
struct Large {
    customer: Customer,
    contact_point: ContactPoint,
    identity: Identity,
    purchase: Purchase,
    purchase_history: PurchaseHistory,
    interaction: Interaction,
    lifecycle: LifecycleHistory,
    consent: ConsentRecord,
    task: Task,
    notification: Notification,
    job: Job,
    message: Message,
    name: Pii<String>,
    pain_report: PainReport,
    pain_point: PainPoint,
    pain_error: PainError,
    rules: Rules,
    review: Review,
    review_settings: ReviewSettings,
    settings: Settings,
    desk_error: DeskError,
    change_set: ChangeSet,
    rfm_breaks: RfmBreaks,
    segment_map: SegmentMap,
    rfm_error: RfmError,
    family: Family<Tag>,
    sentiment_tally: SentimentTally,
    sentiment_map: SentimentMap,
    feedback_error: FeedbackError,
    validation_error: ValidationError,
    money_error: MoneyError,
    store_error: StoreError,
    delivery_error: DeliveryError,
    parameter: Parameter,
    fit: Fit<BgNbd>,
    covariates: Covariates<'static>,
    covariate_buyers: CovariateBuyers<'static>,
    with_covariates: WithCovariates<ParetoNbd>,
    covariate_fit: Fit<WithCovariates<BgNbd>>,
    priors: Priors,
    spend_fit: GammaGammaFit,
    summaries: Summaries,
    contract_table: ContractTable,
    timed_summaries: TimedSummaries,
    holdouts: Holdouts,
    tracking: Tracking,
    fitted_model: FittedModel,
    candidate: Candidate,
    comparison: Comparison,
    judged_model: JudgedModel,
    recommendation: Recommendation,
    value_error: ValueError,
    fit_error: FitError,
}

fn crosses_threads<T: Send + Sync + Unpin + 'static>() {}

fn is_error<T: std::error::Error + Send + Sync + Clone + PartialEq + 'static>() {}

fn is_typed_by_people<T: Display + FromStr<Err = ValidationError> + Copy + Eq + Hash>() {}

fn is_data<T: serde::Serialize + serde::de::DeserializeOwned + Debug + Clone + PartialEq>() {}

#[test]
fn public_types_cross_threads() {
    crosses_threads::<SmallAndOrdered>();
    crosses_threads::<SmallAndHashable>();
    crosses_threads::<SmallWithFloats>();
    crosses_threads::<SmallFindings>();
    crosses_threads::<Large>();
    crosses_threads::<ChangeSet>();
    crosses_threads::<MemoryNotifier>();
    #[cfg(feature = "webhook")]
    crosses_threads::<(WebhookNotifier, Endpoint, SystemResolver)>();
    #[cfg(feature = "email")]
    crosses_threads::<(EmailNotifier, SmtpRelay, Letter)>();
    #[cfg(feature = "tracing")]
    crosses_threads::<(TracingNotifier, TracingNotifier<MemoryNotifier>, LogOnly)>();
    crosses_threads::<MemoryStore>();
    crosses_threads::<SharedStore>();
    crosses_threads::<PainMap>();
    crosses_threads::<(SurvivalCurve, LogRank, Health, Standing)>();
    crosses_threads::<Desk<MemoryStore, MemoryNotifier>>();
}

#[test]
fn errors_are_errors() {
    is_error::<ValidationError>();
    is_error::<MoneyError>();
    is_error::<StoreError>();
    is_error::<DeliveryError>();
    is_error::<PainError>();
    is_error::<DeskError>();
    is_error::<RfmError>();
    is_error::<FeedbackError>();
    is_error::<LoyaltyError>();
    is_error::<ValueError>();
    is_error::<FitError>();
}

#[test]
fn what_people_type_reads_and_prints() {
    is_typed_by_people::<Tag>();
    is_typed_by_people::<Currency>();
    is_typed_by_people::<Money>();
    is_typed_by_people::<IdempotencyKey>();
    is_typed_by_people::<CustomerId>();
    is_typed_by_people::<Channel>();
    is_typed_by_people::<Touchpoint>();
    is_typed_by_people::<Engagement>();
    is_typed_by_people::<Outcome>();
    is_typed_by_people::<PainKind>();
    is_typed_by_people::<LifecycleStage>();
    is_typed_by_people::<Purpose>();
    is_typed_by_people::<NpsGroup>();
    is_typed_by_people::<NpsMethod>();
    is_typed_by_people::<CsatScale>();
    is_typed_by_people::<CesConvention>();
    is_typed_by_people::<Emotion>();
    is_typed_by_people::<Weighting>();
    is_typed_by_people::<Polarity>();
    is_typed_by_people::<ErrorRate>();
    is_typed_by_people::<TaskStatus>();
    is_typed_by_people::<Priority>();
    is_typed_by_people::<ModelKind>();
    is_typed_by_people::<Dropout>();
    is_typed_by_people::<FirstPurchase>();
    is_typed_by_people::<LoyaltyRung>();
    is_typed_by_people::<LoyaltyStep>();
    is_typed_by_people::<Evidence>();
    is_typed_by_people::<SurvivalInterval>();
}

#[test]
fn data_is_read_and_written() {
    is_data::<Money>();
    is_data::<Period>();
    is_data::<Share>();
    is_data::<Estimate>();
    is_data::<Estimate<Money>>();
    is_data::<Customer>();
    is_data::<Purchase>();
    is_data::<PurchaseHistory>();
    is_data::<Interaction>();
    is_data::<LifecycleHistory>();
    is_data::<NpsScore>();
    is_data::<NpsTally>();
    is_data::<CsatAnswer>();
    is_data::<CsatTally>();
    is_data::<EffortScale>();
    is_data::<CesTally>();
    is_data::<Feeling>();
    is_data::<FeedbackPlace>();
    is_data::<Relationship>();
    is_data::<Spell>();
    is_data::<SurvivalTable>();
    is_data::<SurvivalOptions>();
    is_data::<Rhythm>();
    is_data::<RhythmRule>();
    is_data::<Touch>();
    is_data::<EngagementScore>();
    is_data::<HealthRule>();
    is_data::<LadderRule>();
    is_data::<LoyaltyEvidence>();
    is_data::<Movement>();
    is_data::<ConsentRecord>();
    is_data::<Task>();
    is_data::<Notification>();
    is_data::<Job>();
    is_data::<Settlement>();
    is_data::<Committed>();
    is_data::<ChangeSet>();
    is_data::<Rules>();
    is_data::<RetryPolicy>();
    is_data::<Buyer>();
    is_data::<RepeatSpend>();
    is_data::<Horizon>();
    is_data::<Discount>();
    is_data::<TimeUnit>();
    is_data::<TimedBuyer>();
    is_data::<HoldoutPeriod>();
    is_data::<ModelKind>();
    is_data::<Nbd>();
    is_data::<BgNbd>();
    is_data::<MbgNbd>();
    is_data::<ParetoNbd>();
    is_data::<BgCnbd>();
    is_data::<MbgCnbd>();
    is_data::<GammaGamma>();
    is_data::<WithCovariates<ParetoNbd>>();
    is_data::<Diagnostics>();
    is_data::<Fit<BgNbd>>();
    is_data::<Fit<WithCovariates<BgNbd>>>();
    is_data::<GammaGammaFit>();
}

fn every_term_has_one_text<T: Display + FromStr + PartialEq + Debug + Copy>(terms: &[T])
where
    T::Err: Debug,
{
    for term in terms {
        assert_eq!(&term.to_string().parse::<T>().unwrap(), term);
    }
}

#[test]
fn every_term_of_every_vocabulary_has_one_text() {
    every_term_has_one_text(Channel::KNOWN);
    every_term_has_one_text(Touchpoint::KNOWN);
    every_term_has_one_text(Engagement::KNOWN);
    every_term_has_one_text(Direction::ALL);
    every_term_has_one_text(Agent::KNOWN);
    every_term_has_one_text(Outcome::KNOWN);
    every_term_has_one_text(PainKind::ALL);
    every_term_has_one_text(NpsGroup::ALL);
    every_term_has_one_text(NpsMethod::ALL);
    every_term_has_one_text(CsatScale::ALL);
    every_term_has_one_text(CesConvention::ALL);
    every_term_has_one_text(Emotion::KNOWN);
    every_term_has_one_text(Weighting::ALL);
    every_term_has_one_text(Polarity::ALL);
    every_term_has_one_text(ErrorRate::ALL);
    every_term_has_one_text(LifecycleStage::ALL);
    every_term_has_one_text(StageReason::KNOWN);
    every_term_has_one_text(Purpose::KNOWN);
    every_term_has_one_text(ConsentStatus::ALL);
    every_term_has_one_text(LegalBasis::ALL);
    every_term_has_one_text(TaskStatus::ALL);
    every_term_has_one_text(Priority::ALL);
    every_term_has_one_text(ModelKind::ALL);
    every_term_has_one_text(Dropout::ALL);
    every_term_has_one_text(FirstPurchase::ALL);
    let own = Channel::Other(Tag::literal("kiosk"));
    assert_eq!(own.to_string().parse(), Ok(own));
    assert!("other:web shop".parse::<Channel>().is_err());
    assert!("Web".parse::<Channel>().is_err());
}

#[cfg(feature = "simulate")]
#[test]
fn the_simulated_company_crosses_threads() {
    use patronage::simulate::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Small {
        buying: BuyingTruth,
        buyer: Buyer<'static>,
        buyer_truth: BuyerTruth,
        pain: PlantedPain,
        planted: PlantedTruth,
        met: Met,
        purchases: Purchases,
    }

    #[derive(Debug, Clone, PartialEq)]
    struct Whole {
        buyer: SimulatedBuyer,
        company: Company,
        life: Life,
        truth: Truth,
        error: SimulateError,
    }

    crosses_threads::<Small>();
    crosses_threads::<Whole>();
    crosses_threads::<Lives<'static>>();
    is_error::<SimulateError>();
}
