// Before the first paint, so that nothing on the page moves: what needs scripts is there, and one view at a time.
document.documentElement.className = "js";
document.documentElement.dataset.view = location.hash.slice(1) || "race";
