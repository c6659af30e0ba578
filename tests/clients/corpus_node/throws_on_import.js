console.log("about to fail");
throw new RangeError("while loading");
