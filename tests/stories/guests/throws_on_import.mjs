console.log("before");
throw new RangeError("while loading");
