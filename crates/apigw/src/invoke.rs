//! What came of invoking a function, as an integration sees it.

/// The outcome of one synchronous invocation.
///
/// A borrowed value, because the bytes belong to whoever called Lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvokeResult<'a> {
    /// The function returned; its payload, which need not be what an
    /// integration understands.
    Answer(&'a [u8]),
    /// The function raised, timed out or ended: Lambda's error payload,
    /// `{"errorMessage": …, "errorType": …}`
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/API_Invoke.html>, `X-Amz-Function-Error`).
    FunctionError(&'a [u8]),
    /// There was no invocation: no such function, throttled, or Lambda itself failed.
    Failed,
}
