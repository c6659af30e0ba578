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
use tether_protocol::config::WRAPPER;
use tether_protocol::instrumentation::FunctionConfiguration;
use tether_protocol::message::ManagerRequest;
use tether_protocol::records::SessionStatus;
use tether_protocol::{Secret, SessionId};
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

/// `PROPTEST_CASES` asks for more.
fn plays() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 3_000;
    }
    config
}

proptest! {
    #![proptest_config(plays())]

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

// What chance seldom plays: managers that stop at one certain call each. Every
// call of theirs is tried.

fn with_wrapper(wrapper: &str) -> FunctionConfiguration {
    let mut own = configuration();
    let variables = [(WRAPPER.to_owned(), wrapper.to_owned())];
    own.environment = Secret::new(variables.into());
    own
}

fn instrument() -> Step {
    Step::Ask(ManagerRequest::Instrument {
        session_id: of("ann"),
    })
}

fn work(which: usize, calls: usize, fault: Fault) -> Step {
    Step::Work {
        which,
        calls,
        fault,
    }
}

fn ends_as(expected: &FunctionConfiguration, steps: Vec<Step>) {
    let told = format!("{steps:?}");
    let cloud = play(&with_wrapper("/opt/old"), steps);
    assert_eq!(cloud.fake.found().as_ref(), Some(expected), "{told}");
    assert_eq!(cloud.fake.owner(), None, "{told}");
}

#[test]
fn a_deploy_between_two_managers_is_what_the_function_ends_as() {
    let deployed = with_wrapper("/opt/new");
    for (one, other) in (0..20).flat_map(|one| (0..20).map(move |other| (one, other))) {
        let steps = vec![
            instrument(),
            work(0, one, Fault::None),
            instrument(),
            Step::Edit(Edit::Deploy(deployed.clone())),
            work(1, other, Fault::None),
            work(0, other, Fault::None),
            // It dies, and its entry stays.
            Step::Die(0),
        ];
        ends_as(&deployed, steps);
    }
}

#[test]
fn a_manager_that_is_overtaken_by_a_restore_and_then_dies_leaves_nothing_behind() {
    let restore = || {
        Step::Ask(ManagerRequest::Restore {
            session_id: of("ann"),
        })
    };
    let all = (0..14).flat_map(|one| (4..10).map(move |between| (one, between)));
    for (one, between, other) in all.flat_map(|(one, it)| (0..4).map(move |other| (one, it, other)))
    {
        let steps = vec![
            instrument(),
            work(0, one, Fault::None),
            restore(),
            work(1, between, Fault::None),
            work(0, other, Fault::None),
            Step::Die(0),
        ];
        ends_as(&with_wrapper("/opt/old"), steps);
    }
}

#[test]
fn a_change_whose_answer_was_lost_is_not_forgotten_when_its_session_ends() {
    for (one, other) in (0..16).flat_map(|one| (0..8).map(move |other| (one, other))) {
        let steps = vec![
            instrument(),
            work(0, one, Fault::Lost),
            Step::Session("ann", SessionStatus::Closed, false),
            work(0, other, Fault::None),
            Step::Die(0),
        ];
        ends_as(&with_wrapper("/opt/old"), steps);
    }
}

#[test]
fn a_manager_that_gives_up_does_not_forget_a_change_that_is_on_its_way() {
    let all = (4..12).flat_map(|one| (4..12).map(move |other| (one, other)));
    for (one, other, again) in all.flat_map(|(one, other)| (4..12).map(move |it| (one, other, it)))
    {
        let steps = vec![
            instrument(),
            work(0, one, Fault::Refused(409)),
            instrument(),
            work(1, other, Fault::None),
            work(0, again, Fault::Refused(400)),
            // Whatever it does about that.
            work(0, 6, Fault::None),
            work(1, 1, Fault::None),
            Step::Die(1),
            Step::Die(0),
        ];
        ends_as(&with_wrapper("/opt/old"), steps);
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
