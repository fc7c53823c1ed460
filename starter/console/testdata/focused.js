(() => {
  const e = document.activeElement;
  const style = getComputedStyle(e);
  const label = e.labels && e.labels[0] || e;
  const box = e.getBoundingClientRect();
  return {
    Name: label.textContent.trim().replace(/\s+/g, " "),
    Tag: e.tagName,
    ID: e.id,
    Seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.right > 0 && box.bottom > 0,
  };
})()
