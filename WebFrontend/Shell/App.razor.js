// Runs before the modules of the pages, so that it sees the failure of one of them.

// A page whose script did not load says "Connecting" for ever.
addEventListener(
  "error",
  ({ target }) => {
    if (target instanceof HTMLScriptElement) document.getElementById("not-loaded").hidden = false;
  },
  true,
);

// A cookie has the chosen language, so a copied address does not change the reader's.
const address = new URL(location.href);
if (address.searchParams.has("lang")) {
  address.searchParams.delete("lang");
  history.replaceState(null, "", address);
}

addEventListener("DOMContentLoaded", () => {
  // Scripts change the address; the other language shows the same.
  document.querySelector("nav.languages").addEventListener(
    "click",
    ({ target }) => {
      if (!target.hreflang) return;
      const there = new URL(location.href);
      there.searchParams.set("lang", target.hreflang);
      target.href = there;
    },
    true,
  );
});
