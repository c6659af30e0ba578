//! The attempts of a session: messages become machines, and what those say is
//! done here.

use super::Session;
use crate::attach::in_flight::Running;
use crate::attach::random_text;
use crate::dispatch::{self, BUSY, Job, News, millis};
use crate::parcel::take_back;
use crate::plan::WhenBusy;
use crate::report::{Hops, InvocationOutcome, Report};
use std::sync::Arc;
use std::time::Duration;
use tether_host::{Function, RunState, Seat};
use tether_protocol::carry::Look;
use tether_protocol::constants::ANSWER_BEFORE_DEADLINE;
use tether_protocol::message::{Invoke, Reply, ToCloud};
use tether_protocol::serve::{Action, Arrival, Event, Finish, Ran, Serve, Taking};
use tether_protocol::{ClaimId, InvocationKey, Timestamp};
use tokio::task::{Id, JoinError};

/// Local processes of all functions together. A stack under load has more
/// environments than a laptop has room for.
const MOST_PROCESSES: usize = 64;

/// Processes that were not used for this long make room for others.
const MAKES_ROOM: Duration = Duration::from_secs(10);

/// A piece of work, and whose it is.
pub(super) struct Task {
    key: InvocationKey,
    /// What its machine hears if a bug of ours ends it.
    crashed: Option<Event>,
}

/// Where an invocation is to run.
enum Place {
    /// Here; with a seat, if it may not wait for one.
    Here(Option<Seat>),
    /// Left to the deployed code, and why.
    Declined(String),
}

impl Session {
    pub(super) fn invoke(&mut self, invoke: Box<Invoke>) {
        let now = tether_host::now();
        let key = &invoke.key;
        let arrival = self
            .arrivals
            .arrive(&key.nonce, invoke.posted_at, invoke.deadline, now);
        let deadline = match arrival {
            Arrival::New(deadline) => deadline,
            Arrival::Repeated => return,
            Arrival::Late => return self.late(&invoke),
        };
        let name = self.name_of(&invoke.function_arn);
        let target = self.prepared.find(&invoke.function_arn);
        let Some(function) = target.map(|it| Arc::clone(&it.function)) else {
            // Not ours: nobody declines for others; the bootstrap goes on by itself.
            return self.note(format!("an event for {name} came, which is not attached"));
        };
        let place = self.place(&function, &invoke.environment_id);
        let job = Job {
            key: key.clone(),
            function,
            correlation: self.correlation.clone(),
            session: self.id.clone(),
            claim: ClaimId::new(random_text(8)),
            local: self.local.clone(),
            deadline: invoke.deadline,
            local_deadline: deadline,
            state: RunState::new(),
        };
        let (key, hops) = (key.clone(), hops_so_far(&invoke, self.arrivals.cloud(now)));
        let declines = matches!(place, Place::Declined(_));
        let (serve, first) = Serve::start(deadline, declines);
        let mut running = Running::new(name, job, invoke, serve, hops);
        running = match place {
            Place::Here(seat) => {
                running.seat = seat;
                running
            }
            Place::Declined(reason) => running.because(reason),
        };
        self.in_flight.begin(running);
        self.act(&key, first);
    }

    /// Its caller has had an error for long.
    fn late(&self, invoke: &Invoke) {
        let total = self.now_in_cloud().since(invoke.received_at);
        (self.reports)(Report::Invocation {
            function: self.name_of(&invoke.function_arn),
            request_id: invoke.key.request_id.clone(),
            outcome: InvocationOutcome::Dropped,
            detail: "it arrived after its deadline".to_owned(),
            total_ms: millis(total),
            hops: Hops::default(),
        });
    }

    fn place(&mut self, function: &Function, environment: &str) -> Place {
        if self.draining {
            let reason = "left to the deployed code: this session is ending";
            return Place::Declined(reason.to_owned());
        }
        let functions = self.prepared.functions.iter().map(|it| &it.function);
        let places: usize = functions.map(|it| it.places()).sum();
        if !function.has_place(environment, places < MOST_PROCESSES) {
            self.end_idle(MAKES_ROOM);
            return Place::Declined(format!(
                "left to the deployed code: {MOST_PROCESSES} local processes are the most there may be at once"
            ));
        }
        if !function.is_served() {
            let address = function.runtime_api().map(|it| it.to_string());
            return Place::Declined(format!(
                "left to the deployed code: start its process, with AWS_LAMBDA_RUNTIME_API={}",
                address.unwrap_or_default()
            ));
        }
        match self.when_busy {
            WhenBusy::Queue => Place::Here(None),
            WhenBusy::Decline => match function.free_seat(environment) {
                Some(seat) => Place::Here(Some(seat)),
                None => Place::Declined(BUSY.to_owned()),
            },
        }
    }

    /// Lets an attempt's machine know, and does what it says.
    pub(super) fn tell(&mut self, key: &InvocationKey, event: Event) {
        let actions = self.in_flight.handle(key, event);
        self.act(key, actions);
    }

    pub(super) fn tell_all(&mut self, event: Event) {
        for key in self.in_flight.keys() {
            self.tell(&key, event);
        }
        self.repeat_replies();
    }

    /// Attempts whose time has come.
    pub(super) fn wake(&mut self) {
        for key in self.in_flight.due(tether_host::now()) {
            self.tell(&key, Event::Timer);
        }
        self.repeat_replies();
    }

    fn act(&mut self, key: &InvocationKey, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Wake(at) => self.in_flight.wake(key, at),
                // One that is lost is sent again after the reconnect.
                Action::Send(word) => {
                    if let Some(reply) = self.in_flight.word(key, word) {
                        self.link.send(ToCloud::Reply(reply));
                    }
                }
                Action::Finish(finish) => self.finished(key, finish),
                work => self.begin(key, work),
            }
        }
    }

    /// Starts a piece of work.
    fn begin(&mut self, key: &InvocationKey, action: Action) {
        let Some(job) = self.in_flight.job(key) else {
            return;
        };
        let (task, crashed) = match action {
            Action::Claim => {
                let crashed = Event::Claimed(Taking::Unknown);
                (self.work.spawn(dispatch::claim(job)), Some(crashed))
            }
            Action::Decline => {
                let task = self.work.spawn(dispatch::decline(job));
                (task, Some(Event::Declined))
            }
            Action::Look => {
                let crashed = Event::Head(Look::Failed);
                (self.work.spawn(dispatch::look(job)), Some(crashed))
            }
            Action::Tell => {
                let answer_by = job.local_deadline.minus(ANSWER_BEFORE_DEADLINE);
                let state = job.state.describe(answer_by);
                (self.work.spawn(dispatch::tell(job, state)), None)
            }
            Action::Run => {
                let Some(running) = self.in_flight.find(key) else {
                    return;
                };
                let (invoke, seat) = (running.invoke.take(), running.seat.take());
                let Some(invoke) = invoke else {
                    return;
                };
                (self.reports)(Report::Started {
                    function: running.name.clone(),
                    request_id: key.request_id.clone(),
                });
                let crashed = Event::Ran(Ran::Answered);
                let task = self.work.spawn(dispatch::run(job, invoke, seat));
                (task, Some(crashed))
            }
            Action::Send(_) | Action::Wake(_) | Action::Finish(_) => return,
        };
        let key = key.clone();
        self.tasks.insert(task.id(), Task { key, crashed });
    }

    /// A piece of work is done.
    pub(super) fn worked(&mut self, done: Result<(Id, News), JoinError>) {
        let mut news = match done {
            Ok((task, news)) => {
                self.tasks.remove(&task);
                news
            }
            Err(error) => match self.crashed(&error) {
                Some(news) => news,
                None => return,
            },
        };
        let unwanted = self.in_flight.keep(&mut news);
        self.forget(unwanted);
        if let Some(event) = news.event {
            self.tell(&news.key, event);
        }
    }

    /// A bug of ours, or the end of the session, has ended it.
    fn crashed(&mut self, error: &JoinError) -> Option<News> {
        let Task { key, crashed } = self.tasks.remove(&error.id())?;
        let job = self.in_flight.job(&key)?;
        let said = matches!(crashed, Some(Event::Ran(_))).then(|| job.crashed(&error.to_string()));
        Some(News {
            key,
            event: crashed,
            hops: Hops::default(),
            detail: String::new(),
            said,
        })
    }

    fn finished(&mut self, key: &InvocationKey, finish: Finish) {
        let now = self.now_in_cloud();
        let Some((report, unwanted)) = self.in_flight.ended(key, finish, now) else {
            return;
        };
        self.forget(unwanted);
        self.told(report);
    }

    /// Takes back what stands in the table of a reply that nobody wants.
    fn forget(&mut self, reply: Option<Reply>) {
        if let Some(reply) = reply {
            let correlation = self.correlation.clone();
            self.chores
                .spawn(async move { take_back(&correlation, &reply).await });
        }
    }

    pub(super) fn now_in_cloud(&self) -> Timestamp {
        self.arrivals.cloud(tether_host::now())
    }

    /// As many as the line takes now: what is new goes before what is repeated.
    pub(super) fn repeat_replies(&mut self) {
        while self.link.has_room()
            && let Some(reply) = self.in_flight.next_again()
        {
            self.link.send(ToCloud::Reply(reply));
        }
    }

    pub(super) fn has_more_to_repeat(&self) -> bool {
        self.link.is_up() && self.in_flight.is_any_again()
    }
}

/// What is known when it arrives, by the cloud's clock.
fn hops_so_far(invoke: &Invoke, arrived: Timestamp) -> Hops {
    Hops {
        interception_ms: millis(invoke.posted_at.since(invoke.received_at)),
        post_ms: millis(arrived.since(invoke.posted_at)),
        ..Hops::default()
    }
}
