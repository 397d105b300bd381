"""The words by which asides are told from a task, without case, in several languages."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ROUTER = _words(
    "model models tier tiers haiku sonnet opus llm llms route router routed routing ai "
    "modell modelle modells modello modelli modelo modelos modèle modèles gpt claude bot "
    "assistant"
)
NAMES = _words("llm llms haiku tier tiers router gpt claude")
TAKING = _words(
    "use using skip pick choose take go run try send need needs handle answer give any do "
    "frontier"
)
NOTES = _words("system note hint instruction admin router difficulty")
CHEAP = _words(
    "cheap cheaper cheapest cheaply inexpensive small smaller smallest little tiny mini "
    "low lower lowest simple simpler simplest fast faster fastest weak weaker weakest "
    "least light lighter lightest basic trivial easy easily easier quick quickly enough "
    "suffices sufficient suffice haiku budget money cost costs save saves overkill "
    "unneeded unnecessary economical smallish minimal billig billige billigste billigsten "
    "einfach einfache kleine kleines kleinste kleinsten günstig günstige günstigste reicht "
    "genügt facile petit moins barato barata fácil sencillo sencilla pequeño économique"
)
NEGATION = _words("no not don don't doesn without never needn isn nicht kein pas sin")
OPENING = CHEAP | TAKING | _words("no the this what")
STRONG = _words(
    "big bigger biggest large larger largest expensive powerful strong stronger strongest "
    "smart smarter best premium opus sonnet advanced heavy fancy top"
)
EASY = _words(
    "trivial trivially easy easily easiest easier simple simplest simply basic cake "
    "straightforward elementary routine brainer cheap cheaply small low quick tiny minor "
    "harmless unimportant light hard difficult complicated tricky complex important "
    "rocket obvious take need require deserve demand minimal minimum little least zero "
    "difficulty complexity priority stakes effort fast quick rough mini fails suffices"
)
SPARED = _words(
    "money tokens token budget credits cash cents costs cost compute resources overthink "
    "overthinking cheap hard deeply effort bill dollars spend spending wallet"
)
ASKED = _words(
    "answer reply version mode effort difficulty small prompt request query cell task "
    "question one job this that it problem thing stuff"
)
SAYS_EASY = re.compile(
    r"\b(?:this|that|the|my|it)\b.{0,20}\b(?:prompt|request|query|cell|task|question|one"
    r"|job)\b.{0,60}\b(?:trivial\w*|eas[iy]\w*|simpl\w+|basic|straightforward|cheap\w*|low"
    r"|small|minor|routine|harmless|unimportant|brainer)\b"
    r"|\b(?:this|it|that)(?: one)?(?:['’]s| is| looks?| seems?| should be| can be)\b.{0,30}"
    r"\b(?:trivial|easy|simple|basic|straightforward|cake|brainer|routine|elementary"
    r"|(?:not|n['’]t)\b.{0,12} (?:hard|difficult|important|complicated|rocket|tricky"
    r"|complex))\b"
    r"|\b(?:this|it|that)\b(?: \w+)?(?:n['’]t| not| hardly| barely)\b"
    r".{0,9}\b(?:take|need|require|call for|deserve|demand) (?:much|a lot|any|deep|many|big)"
    r"|^(?:\w+,? ){0,2}(?:trivial|easy|simple|basic|quick|tiny|routine)"
    r"[ -](?:one|task|question|problem|thing|job|stuff|request|prompt|query)\b"
    r"|\b(?:minimal|minimum|little|low|least|no|zero)[ -](?:effort|difficulty|complexity"
    r"|priority|stakes)\b|\b(?:difficulty|complexity|priority|effort|stakes)"
    r"(?: is| level)?\W{1,3}(?:low|easy|small|trivial|min|none|\d)"
    r"|\b(?:fast|quick|rough|cheap|mini) (?:answer|reply|response|version|mode)\b"
    r"|\b(?:small|medium|large|model) (?:fails?|suffices)\b"
)
SAYS_SPARE = re.compile(
    r"^(?:\w+[, ]+){0,3}(?:don'?t|don’t|do not|no need to|let's|save|keep|spare"
    r"|minimi[sz]e|not worth)\b.*\b(?:money|tokens?|budget|credits|cash|cents|costs?"
    r"|compute|resources|overthink\w*|(?:too|so|very|that) hard|think hard|deeply|effort"
    r"|bill|dollars|spend|wallet)\b"
    r"|\bkeep (?:it|this|that|costs?) (?:\w+ )?(?:cheap|low|minimal|small)\b"
    r"|\bcosts? (?:the )?(?:least|less|little|nothing)\b|\b(?:tight|low|small) budget\b"
)
EASTERN_ORDER = re.compile(
    r"(?:便宜|最小|小|简单|簡単|安い|不用|大).{0,8}(?:模型|モデル)|(?:模型|モデル).{0,8}(?:便宜|小|安)"
)
SPARE = _words("don not no tight least less it let save keep spare minimize minimise")
MANNERS = _words(
    "please pls plz thanks thank thx hello hi hey dear kindly grateful sorry regards"
)
POLITE = re.compile(
    r"\b(?:(?:help|assist|tell|ask|bother|show) (?:me|you)|good (?:morning|evening|day"
    r"|afternoon)|hope (?:you|this)|appreciate (?:it|your|any)"
    r"|(?:have|got) a (?:\w+ )?(?:question|problem|task)|(?:quick|another) question)\b"
)
POLITE_WORDS = _words("help assist tell ask bother show good hope appreciate question")
ANNOUNCES = _words("question questions answer answering solve task problem here")
ENGLISH = _words(
    "the of and are to that which what with for how this from by it has have there does "
    "you your not who when where why at be if find answer each between his her he she "
    "him they their its was were as but will can all had an is"
)
FOREIGN = _words(
    "der die das den dem ist sind und oder nicht ich mir mich dir du wir mein meine ein eine "
    "einen auf mit von zu zur wie was kannst hier diese dieses nur für bitte "
    "le la les une des du de que qui moi dans pour pas est et il vous tu ce cette avec mon "
    "ma sur en par el los las para con por una uno es un lo se mi su esta este puedes "
    "muy como di che il gli della del sono mi puoi questa questo con alla "
    "em um uma os ao da não isso você het een van op deze dit dat ik je is voor "
    "met naar wil kan och att det som på jag jest się proszę bir ve bu için"
)
SURELY_FOREIGN = _words(
    "bitte antworte antworten beantworte frage aufgabe modell danke hallo ich mir bonjour "
    "merci répondez réponds modèle hola gracias responde respuesta pregunta tarea modelo "
    "ciao grazie rispondi domanda risposta compito responda resposta pergunta tarefa "
    "alsjeblieft graag antwoord beantwoord vraag tack proszę"
)
HINTS = MANNERS | SURELY_FOREIGN
