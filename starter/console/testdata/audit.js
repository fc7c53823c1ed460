(() => {
  const found = [];
  const want = (holds, what) => { if (!holds) found.push(what); };
  const all = selector => [...document.querySelectorAll(selector)];
  const called = e => e.outerHTML.slice(0, 120);

  want(document.documentElement.lang === "fr", "the page does not say its language");
  want(document.title.trim() !== "", "the page has no title");
  want(document.scripts.length === 0, "the page has a script");
  want(all("meta[name=viewport]").every(m => !/user-scalable|maximum-scale/.test(m.content)), "the page cannot be enlarged");

  for (const landmark of ["header", "main", "footer"]) {
    want(all("body > " + landmark).length === 1, "there is not one " + landmark);
  }
  const navigations = all("nav").map(n => n.getAttribute("aria-label") || "");
  want(!navigations.includes("") && new Set(navigations).size === navigations.length, "navigations have no names of their own");
  const outside = [...document.body.children].filter(e => !e.matches("header, main, footer, a.skip"));
  want(outside.length === 0, "something is in no landmark");

  const headings = all("h1, h2, h3, h4, h5, h6").map(h => Number(h.tagName[1]));
  want(headings.filter(level => level === 1).length === 1 && headings[0] === 1, "there is not one h1, before all others");
  headings.forEach((level, i) => want(i === 0 || level <= headings[i - 1] + 1, "a heading is left out before heading " + (i + 1)));
  want(all("h1, h2, h3").every(h => h.textContent.trim() !== ""), "a heading is empty");

  const ids = all("[id]").map(e => e.id);
  want(new Set(ids).size === ids.length, "an id is there twice");
  for (const attribute of ["aria-labelledby", "aria-describedby"]) {
    for (const e of all("[" + attribute + "]")) {
      want(e.getAttribute(attribute).split(/\s+/).every(id => document.getElementById(id)), "names an id that is not there: " + called(e));
    }
  }
  for (const e of all("input:not([type=hidden], [hidden]), select, textarea")) {
    want(e.labels.length === 1 && e.labels[0].textContent.trim() !== "", "has no label: " + called(e));
  }
  for (const e of all("a, button")) {
    want(e.textContent.trim() !== "", "has no name: " + called(e));
  }
  for (const e of all("[role=region]")) {
    want(e.hasAttribute("aria-label") || e.hasAttribute("aria-labelledby"), "a region has no name: " + called(e));
  }
  want(all("[tabindex]").every(e => e.tabIndex <= 0), "the order of the focus is not that of the page");
  want(all("a[href^='#']").every(a => document.getElementById(a.hash.slice(1))), "a link leads nowhere on the page");

  for (const table of all("table")) {
    want(table.caption && table.caption.textContent.trim() !== "", "a table has no caption");
    want([...table.querySelectorAll("th")].every(th => ["row", "col"].includes(th.scope)), "a header of a table has no scope");
    want([...table.tBodies].every(body => [...body.rows].every(row => row.cells[0].tagName === "TH")), "a row has no header");
    const columns = table.tHead && table.tHead.rows[0].cells.length;
    want([...table.tBodies].every(body => [...body.rows].every(row => row.cells.length === columns)), "a row has other columns than its table");
  }

  // Contrast, as WCAG 2 has it.
  const parse = colour => {
    const parts = colour.match(/[\d.]+/g).map(Number);
    return parts.length === 3 ? [...parts, 1] : parts;
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = e => {
    for (; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] === 1) return colour;
      if (colour[3] !== 0) found.push("a colour that is half seen through: " + called(e));
    }
    return [255, 255, 255, 1];
  };
  const contrast = (a, b) => {
    const [dark, bright] = [light(a), light(b)].sort((x, y) => x - y);
    return (bright + 0.05) / (dark + 0.05);
  };
  let texts = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (walker.currentNode.textContent.trim() === "" || e.closest(".hidden, option")) continue;
    const style = getComputedStyle(e);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
    const ratio = contrast(parse(style.color), behind(e));
    texts++;
    want(ratio >= (large ? 3 : 4.5), "contrast of " + ratio.toFixed(2) + ": " + called(e));
  }
  want(texts > 3, "there are no texts to look at");
  for (const e of all("input:not([type=hidden], [hidden]), select, button")) {
    const ratio = contrast(parse(getComputedStyle(e).borderTopColor), behind(e.parentElement));
    want(ratio >= 3, "contrast of a border " + ratio.toFixed(2) + ": " + called(e));
    want(e.getBoundingClientRect().height >= 24, "is too small to be hit: " + called(e));
  }
  return found;
})()
