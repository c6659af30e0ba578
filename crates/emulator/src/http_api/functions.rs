//! Functions, as API Gateway invokes them.

use crate::cloud::Cloud;
use crate::id;
use crate::lambda::{Answering, Call, Invoked, Lambda, LambdaError};
use async_trait::async_trait;
use std::sync::Arc;
use tether_gateway::{Functions, Outcome, Streamed};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

/// Who invokes functions for an API.
const APIGATEWAY: &str = "apigateway.amazonaws.com";

/// See the module.
pub(crate) struct Invoker {
    lambda: Arc<Lambda>,
    iam: Arc<crate::iam::Iam>,
    tasks: TaskTracker,
}

impl Invoker {
    pub(crate) fn new(cloud: &Cloud) -> Self {
        Self {
            lambda: Arc::clone(&cloud.lambda),
            iam: Arc::clone(&cloud.iam),
            tasks: cloud.tasks.clone(),
        }
    }

    async fn answer(&self, call: tether_gateway::Call) -> Result<Outcome, LambdaError> {
        let target = self.lambda.target(&call.function, None)?;
        let asked = Call::new(id::uuid(), target.arn(), call.payload);
        if !call.streams {
            return Ok(whole(self.lambda.run(target, asked).await?));
        }
        Ok(match self.lambda.stream(target, asked).await? {
            Answering::Whole(invoked) => whole(invoked),
            Answering::Begun(begun) => {
                let (tell, ended) = oneshot::channel();
                let invoked = begun.ended;
                self.tasks.spawn(async move {
                    let ended = match invoked.await {
                        Ok(Ok(invoked)) if invoked.failed => Err(invoked.payload),
                        Ok(Err(error)) => Err(error.to_string().into()),
                        _ => Ok(()),
                    };
                    // Whoever asked may have gone.
                    let _ = tell.send(ended);
                });
                let parts = begun.parts;
                Outcome::Stream(Streamed { parts, ended })
            }
        })
    }
}

fn whole(invoked: Invoked) -> Outcome {
    if invoked.failed {
        Outcome::Error(invoked.payload)
    } else {
        Outcome::Answer(invoked.payload)
    }
}

#[async_trait]
impl Functions for Invoker {
    async fn invoke(&self, call: tether_gateway::Call) -> Outcome {
        let source = &call.source_arn;
        let iam = &self.iam;
        // A function URL asks nobody.
        if !source.is_empty()
            && let Err(denied) = iam.check_invoke(&self.lambda, APIGATEWAY, source, &call.function)
        {
            return Outcome::Failed(format!(
                "{denied}; add an AWS::Lambda::Permission for {source}"
            ));
        }
        match self.answer(call).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }
}
