/**
 * Functions of Lua's libraries that call back into the script, in Lua: a script that is suspended in a
 * callback of theirs could not go on if they were functions of the host. They do what Lua 5.1's do, step by
 * step, so that an order that is no order sorts alike.
 */

/** The Lua text; it is called with the functions of the host that it replaces. */
export const PRELUDE = `
local sortPlain, gsubPlain, find, sub, concat, type, error, pairs, select = ...

local function sortRange(a, lo, up, before, depth)
  while lo < up do
    if before(a[up], a[lo]) then a[lo], a[up] = a[up], a[lo] end
    if up - lo == 1 then return end
    local i = (lo + up - (lo + up) % 2) / 2
    if before(a[i], a[lo]) then
      a[i], a[lo] = a[lo], a[i]
    elseif before(a[up], a[i]) then
      a[i], a[up] = a[up], a[i]
    end
    if up - lo == 2 then return end
    local pivot = a[i]
    a[i], a[up - 1] = a[up - 1], a[i]
    i = lo
    local j = up - 1
    while true do
      i = i + 1
      while before(a[i], pivot) do
        if i > up then error('invalid order function for sorting', depth) end
        i = i + 1
      end
      j = j - 1
      while before(pivot, a[j]) do
        if j < lo then error('invalid order function for sorting', depth) end
        j = j - 1
      end
      if j < i then break end
      a[i], a[j] = a[j], a[i]
    end
    a[up - 1], a[i] = a[i], a[up - 1]
    local from, to
    if i - lo < up - i then
      from, to, lo = lo, i - 1, i + 1
    else
      from, to, up = i + 1, up, i - 1
    end
    sortRange(a, from, to, before, depth + 1)
  end
end

local function sort(list, before)
  if type(list) ~= 'table' or type(before) ~= 'function' then return sortPlain(list, before) end
  sortRange(list, 1, #list, before, 3)
end

local function captured(whole, at, ...)
  if at == '0' then return whole end
  local index = at + 0
  local count = select('#', ...)
  if index <= count then return (select(index, ...)) end
  if index == 1 and count == 0 then return whole end
  error('invalid capture index', 5)
end

local function expanded(template, whole, ...)
  local parts, start = {}, 1
  while true do
    local at = find(template, '%', start, true)
    if not at then break end
    parts[#parts + 1] = sub(template, start, at - 1)
    local letter = sub(template, at + 1, at + 1)
    parts[#parts + 1] = find(letter, '%d') and captured(whole, letter, ...) or letter
    start = at + 2
  end
  parts[#parts + 1] = sub(template, start)
  return concat(parts)
end

local function replaced(replacement, whole, ...)
  local kind = type(replacement)
  if kind == 'string' or kind == 'number' then return expanded(replacement .. '', whole, ...) end
  local new
  local first = select('#', ...) == 0 and whole or (...)
  if kind == 'table' then
    new = replacement[first]
  elseif select('#', ...) == 0 then
    new = replacement(whole)
  else
    new = replacement(...)
  end
  if not new then return whole end
  if type(new) ~= 'string' and type(new) ~= 'number' then
    error('invalid replacement value (a ' .. type(new) .. ')', 4)
  end
  return new
end

local function step(parts, text, replacement, start, first, last, ...)
  if not first then return nil end
  parts[#parts + 1] = sub(text, start, first - 1)
  parts[#parts + 1] = replaced(replacement, sub(text, first, last), ...)
  return first, last
end

local replacements = { string = true, number = true, table = true, ['function'] = true }

local function isText(value)
  return type(value) == 'string' or type(value) == 'number'
end

-- Lua 5.3 skips an empty match behind another match, and 5.1 does not; others match alike.
local function isPlain(pattern, replacement)
  return type(replacement) ~= 'function' and not find(pattern, '[*?-]')
end

local function gsub(text, pattern, replacement, most)
  local isOurs = isText(text) and isText(pattern) and replacements[type(replacement)]
  if not isOurs or isPlain(pattern, replacement) then return gsubPlain(text, pattern, replacement, most) end
  text = text .. ''
  local isAnchored = sub(pattern, 1, 1) == '^'
  local parts, count, start, length = {}, 0, 1, #text
  most = most or length + 1
  while count < most do
    local first, last = step(parts, text, replacement, start, find(text, pattern, start))
    if not first then break end
    count = count + 1
    if last >= first then
      start = last + 1
    else
      parts[#parts + 1] = sub(text, first, first)
      start = first + 1
    end
    if isAnchored or start > length + 1 then break end
  end
  parts[#parts + 1] = sub(text, start)
  return concat(parts), count
end

local function foreach(list, visit)
  for key, value in pairs(list) do
    local result = visit(key, value)
    if result ~= nil then return result end
  end
end

local function foreachi(list, visit)
  for at = 1, #list do
    local result = visit(at, list[at])
    if result ~= nil then return result end
  end
end

return sort, gsub, foreach, foreachi
`;
