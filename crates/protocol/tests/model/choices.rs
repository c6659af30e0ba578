//! What may happen next, and what it takes of the faults.

use crate::bootstrap::{Calls, Posting};
use crate::receiver::Reply;
use crate::steps::Step;
use crate::world::{End, Fate, Session, World};

impl World<'_> {
    /// All that may happen next.
    pub(crate) fn choices(&self) -> Vec<Step> {
        let mut steps = vec![];
        if self.is_decided() && !self.may_start() {
            return steps;
        }
        self.bootstrap_steps(&mut steps);
        self.receiver_steps(&mut steps);
        if !self.is_decided() {
            self.reply_steps(&mut steps);
            self.session_steps(&mut steps);
        }
        let lost = self.lost.iter();
        let lost = lost.filter(|write| self.table.minds(**write, self.setup.twist));
        steps.extend(lost.map(|write| Step::Lands(*write)));
        steps
    }

    /// Every attempt has its verdict. All that can go wrong now is a run.
    fn is_decided(&self) -> bool {
        self.has_ended() && self.attempt + 1 == self.setup.attempts
    }

    fn may_start(&self) -> bool {
        let mut calls = self.receiver.jobs.iter().map(|job| job.calls);
        self.mail != [0, 0] || calls.any(|it| it.claim || it.start)
    }

    fn faulty(&self) -> bool {
        self.faults > 0
    }

    /// Told, or with a fault one of these.
    fn fates(&self, others: &[Fate]) -> Vec<Fate> {
        let mut fates = vec![Fate::Told];
        if self.faulty() {
            fates.extend(others);
        }
        fates
    }

    fn bootstrap_steps(&self, steps: &mut Vec<Step>) {
        let Calls {
            post,
            session,
            read,
            abandon,
            expire,
        } = self.bootstrap.calls;
        let mut fates = self.fates(&[Fate::Unknown, Fate::CutOff]);
        if self.bootstrap.cut_off {
            fates = vec![Fate::Told, Fate::Unknown];
        }
        for fate in fates {
            steps.extend(session.then_some(Step::ReadSession(fate)));
            steps.extend(read.then_some(Step::Read(fate)));
            steps.extend(abandon.then_some(Step::Abandon(fate)));
            steps.extend(expire.then_some(Step::Expire(fate)));
        }
        if post {
            let there = self.session == Session::On(self.bootstrap.connection);
            steps.push(Step::Post(Posting::Delivered));
            if !there || self.faulty() {
                steps.push(Step::Post(Posting::Gone));
            }
            if self.faulty() {
                let others = [Posting::Twice, Posting::Refused, Posting::Unknown];
                steps.extend(others.map(Step::Post));
                steps.extend((self.moment == 0).then_some(Step::Slow));
            }
        }
        if self.bootstrap.waits {
            steps.push(Step::Timer);
        }
        if self.time_may_go_on() {
            steps.push(Step::Time);
        }
        if self.deaths > 0 && !self.has_ended() {
            steps.push(Step::BootstrapDies);
        }
        let failed = matches!(
            self.story[0].end,
            Some(End::Failed | End::Died | End::Answered)
        );
        if failed
            && self.attempt + 1 < self.setup.attempts
            && matches!(self.session, Session::On(_))
        {
            steps.push(Step::Retry);
        }
    }

    /// Until a call has come to an end, and only so far without a verdict.
    fn time_may_go_on(&self) -> bool {
        let moments = self.setup.moments().len();
        let last = match (self.has_ended(), self.setup.attempts) {
            (false, _) => moments - 3,
            (true, 1) => moments,
            (true, _) if self.attempt == 0 => 0,
            // What a laptop can do hours later is seen with one attempt.
            (true, _) => moments - 2,
        };
        let idle = self.bootstrap.waits && !self.bootstrap.calls.is_any();
        (idle || self.has_ended()) && self.moment + 1 < last
    }

    fn receiver_steps(&self, steps: &mut Vec<Step>) {
        for attempt in 0..2 {
            if self.mail[usize::from(attempt)] > 0 {
                steps.push(Step::Arrives(attempt, false));
                steps.push(Step::Arrives(attempt, true));
            }
        }
        for (index, job) in self.receiver.jobs.iter().enumerate() {
            let attempt = job.attempt;
            if job.calls.claim || job.calls.decline {
                let fates = self.fates(&[Fate::Failed, Fate::Unknown]);
                steps.extend(fates.into_iter().map(|it| Step::Claim(index, attempt, it)));
            }
            if job.calls.start {
                steps.push(Step::Starts(index, attempt));
            }
        }
    }

    fn reply_steps(&self, steps: &mut Vec<Step>) {
        for (index, job) in self.receiver.jobs.iter().enumerate() {
            let attempt = job.attempt;
            if job.calls.run {
                steps.push(Step::Finishes(index, attempt));
            }
            let lost = !self.is_under_way(job);
            if job.word.is_some() && !job.calls.look && (self.faulty() || lost) {
                steps.push(Step::Reconnects(index, attempt));
            }
            if job.wake.is_some_and(|at| at <= self.local()) {
                steps.push(Step::Wakes(index, attempt));
            }
            if job.calls.look {
                let fates = self.fates(&[Fate::Failed]);
                steps.extend(fates.into_iter().map(|it| Step::Looks(index, attempt, it)));
            }
        }
        if self.faulty() && !self.receiver.ending && !self.receiver.jobs.is_empty() {
            steps.push(Step::Interrupts);
        }
        for (index, Reply { attempt, .. }) in self.replies.iter().enumerate() {
            let attempt = *attempt;
            steps.push(Step::Connect(index, attempt, Fate::Told, true));
            if self.faulty() {
                steps.push(Step::Connect(index, attempt, Fate::Told, false));
                steps.push(Step::Connect(index, attempt, Fate::Failed, true));
                steps.push(Step::Connect(index, attempt, Fate::Unknown, true));
                steps.push(Step::ReplyLost(index, attempt));
            }
        }
        if self.deaths > 0 && self.receiver.session == 0 && !self.is_decided() {
            steps.push(Step::ReceiverDies);
        }
    }

    /// What the session may come to.
    fn session_steps(&self, steps: &mut Vec<Step>) {
        let own = self.sessions[usize::from(self.attempt)] == self.receiver.session;
        let next: &[Session] = match self.session {
            Session::On(0) if self.faulty() && own => {
                &[Session::Away, Session::Over, Session::On(1)]
            }
            Session::On(_) if self.faulty() || !own => &[Session::Away],
            Session::Away if own && self.faulty() => &[Session::On(1), Session::Over],
            Session::Away if own => &[Session::On(1)],
            // Who attached again is there for the next attempt.
            Session::Away | Session::Over if self.has_ended() && !own => &[Session::On(2)],
            _ => &[],
        };
        steps.extend(next.iter().map(|it| Step::Session(*it)));
    }

    /// What a step takes of the faults.
    pub(crate) fn cost(&self, step: Step) -> u8 {
        let own = self.sessions[usize::from(self.attempt)] == self.receiver.session;
        u8::from(match step {
            Step::ReadSession(fate)
            | Step::Read(fate)
            | Step::Abandon(fate)
            | Step::Expire(fate) => fate != Fate::Told && !self.bootstrap.cut_off,
            Step::Claim(_, _, fate) | Step::Looks(_, _, fate) => fate != Fate::Told,
            Step::Connect(_, _, fate, acknowledged) => fate != Fate::Told || !acknowledged,
            Step::Post(Posting::Gone) => self.session == Session::On(self.bootstrap.connection),
            Step::Post(posting) => posting != Posting::Delivered,
            Step::Slow | Step::ReplyLost(..) | Step::Interrupts => true,
            Step::Reconnects(index, _) => self.is_under_way(&self.receiver.jobs[index]),
            Step::Session(Session::On(_)) => self.session != Session::Away && own,
            Step::Session(_) => own,
            _ => false,
        })
    }
}
