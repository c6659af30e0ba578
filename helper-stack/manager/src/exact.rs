//! Restore is exact, whatever happens in between.
//!
//! Several managers work at one function at once, each of them stopped before
//! every call it makes, so that anything can happen there: another manager goes
//! on, somebody deploys, Lambda refuses, an answer is lost, the manager dies.
//! When all is quiet the function is what its user alone made of it.

mod stepped;
mod user;

use crate::fake::{ARN, LAYER, configuration, session};
use crate::requests::serve;
use crate::settings::Helper;
use futures_util::task::noop_waker;
use proptest::prelude::*;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;
use stepped::{Fault, Stepped};
use tether_protocol::SessionId;
use tether_protocol::instrumentation::FunctionConfiguration;
use tether_protocol::message::ManagerRequest;
use tether_protocol::records::SessionStatus;
use user::{Edit, any_edit, any_own};

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A manager is asked.
    Ask(ManagerRequest),
    /// One of those at work makes some calls, the last of them with a fault.
    Work {
        which: usize,
        calls: usize,
        fault: Fault,
    },
    /// One of those at work ends where it stands.
    Die(usize),
    /// The user changes the function.
    Edit(Edit),
    /// A receiver comes, goes, or takes over.
    Session(&'static str, SessionStatus, bool),
    /// Nothing happens for so many seconds.
    Wait(u64),
}

type Manager<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// A manager ends at last. More calls than this: it never does.
const MOST_CALLS: usize = 3_000;

struct Stage<'a> {
    cloud: &'a Stepped,
    helper: &'a Helper,
    managers: Vec<Manager<'a>>,
}

impl<'a> Stage<'a> {
    fn play(&mut self, step: Step) {
        match step {
            Step::Ask(request) => self.ask(request),
            Step::Work {
                which,
                calls,
                fault,
            } => {
                for call in 1..=calls {
                    let fault = if call == calls { fault } else { Fault::None };
                    self.poll(which, fault);
                }
            }
            Step::Die(which) => {
                if !self.managers.is_empty() {
                    let which = which % self.managers.len();
                    drop(self.managers.remove(which));
                }
            }
            Step::Edit(edit) => self.cloud.edit(&edit),
            Step::Session(who, status, take_over) => {
                self.cloud.fake.edit_session(who, |it| {
                    // Closed is for good.
                    if it.status != SessionStatus::Closed {
                        it.status = status;
                        it.take_over = take_over;
                    }
                });
            }
            Step::Wait(seconds) => self.cloud.wait(Duration::from_secs(seconds)),
        }
    }

    fn ask(&mut self, request: ManagerRequest) {
        let (cloud, helper) = (self.cloud, self.helper);
        self.managers.push(Box::pin(async move {
            // What fails is told, and tried again by others.
            let _ = serve(cloud, helper, request).await;
        }));
    }

    fn poll(&mut self, which: usize, fault: Fault) {
        if self.managers.is_empty() {
            return;
        }
        let which = which % self.managers.len();
        self.cloud.fault.set(fault);
        let waker = noop_waker();
        let manager = &mut self.managers[which];
        let ended = manager
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready();
        self.cloud.fault.set(Fault::None);
        if ended {
            drop(self.managers.remove(which));
        }
    }

    /// Everybody ends, in turn and undisturbed.
    fn quiet(&mut self) {
        for turn in 0..MOST_CALLS {
            if self.managers.is_empty() {
                return;
            }
            self.poll(turn, Fault::None);
        }
        panic!("a manager that never ends");
    }

    fn one_by_one(&mut self, requests: impl IntoIterator<Item = ManagerRequest>) {
        for request in requests {
            self.ask(request);
            self.quiet();
        }
    }
}

fn of(who: &str) -> SessionId {
    SessionId::new(who)
}

/// Both sessions end, and the sweeper comes round.
fn end(stage: &mut Stage<'_>) {
    stage.quiet();
    stage.one_by_one(["ann", "bob"].map(|who| ManagerRequest::Restore {
        session_id: of(who),
    }));
    // What was just written may be on its way to the function.
    for _ in 0..2 {
        stage.cloud.wait(Duration::from_secs(61));
        stage.one_by_one([ManagerRequest::Sweep]);
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    let who = prop_oneof![3 => Just("ann"), 2 => Just("bob")];
    let request = (0..4, who.clone()).prop_map(|(kind, who)| {
        let session_id = of(who);
        match kind {
            0 => ManagerRequest::Instrument { session_id },
            1 => ManagerRequest::Restore { session_id },
            2 => ManagerRequest::Check { session_id },
            _ => ManagerRequest::Sweep,
        }
    });
    let instrument = who.clone().prop_map(|who| ManagerRequest::Instrument {
        session_id: of(who),
    });
    let status = prop_oneof![
        4 => Just(SessionStatus::Active),
        1 => Just(SessionStatus::Disconnected),
        1 => Just(SessionStatus::Closed)
    ];
    let work = (any::<usize>(), 1usize..14, stepped::any_fault());
    prop_oneof![
        3 => prop_oneof![request, instrument].prop_map(Step::Ask),
        9 => work.prop_map(|(which, calls, fault)| Step::Work { which, calls, fault }),
        1 => any::<usize>().prop_map(Step::Die),
        3 => any_edit().prop_map(Step::Edit),
        1 => (who, status, any::<bool>())
            .prop_map(|(who, status, take_over)| Step::Session(who, status, take_over)),
        1 => (1u64..80).prop_map(Step::Wait),
    ]
}

fn helper() -> Helper {
    Helper {
        layer_x86_64: Some(LAYER.into()),
        ..Helper::default()
    }
}

fn play(own: &FunctionConfiguration, steps: Vec<Step>) -> Stepped {
    let cloud = Stepped::new(own);
    let helper = helper();
    let mut stage = Stage {
        cloud: &cloud,
        helper: &helper,
        managers: Vec::new(),
    };
    for step in steps {
        stage.play(step);
    }
    end(&mut stage);
    drop(stage);
    cloud
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn a_function_ends_as_its_user_alone_made_it(
        own in any_own(), steps in prop::collection::vec(any_step(), 0..40)
    ) {
        let cloud = play(&own, steps);
        let journal = cloud.fake.journal.borrow().clone();
        prop_assert_eq!(journal.get(ARN), None);
        prop_assert_eq!(cloud.fake.found(), Some(cloud.own()));
        prop_assert!(!cloud.was_killed.get(), "a wrapper of ours stood without its layer because of us");
    }
}

#[test]
fn the_stage_instruments_and_sees_what_is_left() {
    let own = configuration();
    let cloud = Stepped::new(&own);
    let helper = helper();
    let mut stage = Stage {
        cloud: &cloud,
        helper: &helper,
        managers: Vec::new(),
    };
    stage.one_by_one([ManagerRequest::Instrument {
        session_id: of("ann"),
    }]);
    assert!(cloud.fake.owner().as_deref() == Some("ann") && cloud.fake.found() != Some(own));
    assert_eq!(session("ann").status, SessionStatus::Active);
    end(&mut stage);
    assert_eq!(cloud.fake.found(), Some(configuration()));
}
